// Colours: of activation, of groups, of the page. Shapes double the colours of groups.

const GROUPS = {
  light: ["#0072b2", "#d55e00", "#00805a", "#b0508f", "#2b9bd6", "#b07800", "#6b5bb5", "#5c5c5c"],
  dark: ["#4aa8e8", "#ff8c42", "#2fd0a2", "#e48fc4", "#9bd4f7", "#f0c04a", "#b3a6f2", "#b9bdc4"],
};
const SHAPES = ["circle", "square", "triangle", "diamond"];
// Points of viridis, from low to high.
const LEVELS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

const isDark = () => document.documentElement.dataset.theme === "dark";

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function groupLook(place) {
  const colours = GROUPS[isDark() ? "dark" : "light"];
  return { colour: colours[place % colours.length], shape: SHAPES[Math.floor(place / colours.length) % SHAPES.length] };
}

// The largest types come first, so that a colour which two of them share, told apart by shape, is
// that of a large one and of a small one.
function typeLook(type) {
  const { cells } = ATLAS;
  cells.ranks = cells.ranks || ranksOf(cells.sizes);
  return groupLook(cells.ranks[type]);
}

// Of every number its place among all, the largest first.
function ranksOf(sizes) {
  const ranks = new Array(sizes.length);
  [...sizes.keys()].sort((a, b) => sizes[b] - sizes[a] || a - b).forEach((at, place) => { ranks[at] = place; });
  return ranks;
}

// High stands out from the ground: dark on light, bright on dark.
function levelColour(share, dark = isDark()) {
  const low = 0.12;
  const at = (dark ? low + (1 - low) * share : (1 - low) * (1 - share)) * (LEVELS.length - 1);
  const place = Math.min(Math.floor(at), LEVELS.length - 2);
  const mix = LEVELS[place].map((value, channel) => Math.round(value + (at - place) * (LEVELS[place + 1][channel] - value)));
  return `rgb(${mix.join(",")})`;
}

function startTheme() {
  const wants = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = window.localStorage.getItem("theme"); } catch { chosen = null; }
  const apply = () => {
    const dark = chosen ? chosen === "dark" : wants.matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    byId("theme").textContent = dark ? "Light" : "Dark";
    byId("theme").setAttribute("aria-pressed", String(dark));
    followers.forEach((act) => act(state, state));
  };
  byId("theme").addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    try { window.localStorage.setItem("theme", chosen); } catch { /* kept for this visit */ }
    apply();
  });
  wants.addEventListener("change", apply);
  // Paper is white: maps are drawn for it at once, and as they were afterwards.
  window.addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
    drawFeatureMap();
    drawCellMap();
    document.querySelectorAll(".small-map").forEach((canvas) => canvas.dispatchEvent(new Event("redraw")));
  });
  window.addEventListener("afterprint", apply);
  apply();
}
