// The map of features: where each lies by one of several layouts, coloured by what is asked for.

const COLOURINGS = {
  type: { label: "cell type", groups: () => ATLAS.cells.types, of: (i) => ATLAS.core.top_type[i] - 1, look: typeLook, none: "no main type" },
  locality: { label: "locality", groups: () => ATLAS.core.localities.slice(0, 3), of: (i) => ATLAS.core.type[i], look: groupLook, none: "" },
  terms: { label: "number of gene sets", number: (i) => ATLAS.core.n_terms[i], unit: "gene sets" },
  cells: { label: "active cells", number: (i) => ATLAS.core.n_active[i], unit: "cells" },
};
const REST = 400; // milliseconds without a key stroke: more than a typist leaves
let featureMap = null;
let waitingToDraw = 0;

function startFeatureMap() {
  for (const name of ATLAS.meta.measures) {
    COLOURINGS[name] = { label: word(name).label, number: (i) => ATLAS.core[name][i], unit: word(name).unit };
  }
  const layout = byId("layout");
  replace(layout, ATLAS.core.maps.map((each) => element("option", { value: each.name }, each.label)));
  layout.addEventListener("change", () => change({ layout: layout.value }));
  const colour = byId("colour");
  replace(colour, Object.entries(COLOURINGS).map(([name, each]) => element("option", { value: name }, each.label)));
  colour.addEventListener("change", () => change({ colour: colour.value }));
  featureMap = new PointMap(byId("feature-map"), {
    onChoose: (i, event) => (event.shiftKey && state.feature !== null ? change({ beside: i }, { step: true }) : open(i)),
    describe: (i) => [`Feature ${featureName(i)}`, typeOf(i), firstTerm(i) || firstGenes(i)].filter(Boolean).join(" \u00b7 "),
  });
  follow((now, before) => {
    const same = ["q", "layout", "colour", "show"].every((name) => now[name] === before[name]) && now !== before;
    if (same && featureMap.x) featureMap.overlay();
    else drawSoon(now.q !== before.q);
  });
}

let drawn = "";

// A key stroke is answered by the table; the map follows when no other one comes.
function drawSoon(isTyping) {
  clearTimeout(waitingToDraw);
  featureMap.stop();
  if (isTyping) waitingToDraw = setTimeout(drawFeatureMap, REST, true);
  else requestAnimationFrame(() => drawFeatureMap());
}

function drawFeatureMap(inTurns = false) {
  const place = Math.max(ATLAS.core.maps.findIndex((each) => each.name === state.layout), 0);
  const layout = ATLAS.core.maps[place];
  const name = COLOURINGS[state.colour] ? state.colour : "type";
  [byId("layout").value, byId("colour").value] = [layout.name, name];
  const listed = new Uint8Array(ATLAS.core.n);
  for (const i of rows.all) listed[i] = 1;
  const searched = state.q !== "" || state.show !== "live";
  const size = Math.max(1.6, Math.min(4, 90 / Math.sqrt(ATLAS.core.n)));
  const look = coloured(COLOURINGS[name], searched ? 1.3 * size : size);
  const muted = { colour: ink("muted-mark"), shape: "square", size: 0.6 * size };
  const order = [];
  for (const wanted of [0, 1]) {
    for (let i = 0; i < listed.length; i += 1) {
      if (listed[i] === wanted && (wanted || ATLAS.core.n_active[i] > 0)) order.push(i);
    }
  }
  Object.assign(featureMap, { farX: 0, farY: 0 });
  featureMap.show({
    x: ATLAS.core[`x${place}`], y: ATLAS.core[`y${place}`], order, inTurns,
    look: (i) => (listed[i] ? look(i) : muted),
    over: (pen, at) => {
      const ring = (i, width) => {
        if (i === null || featureMap.x[i] === NOWHERE) return;
        const [x, y] = at(i);
        pen.ring(x, y, size + 5, ink("map"), width + 3);
        pen.ring(x, y, size + 5, ink("text"), width);
        pen.text(String(i), x + size + 9, y + 4, { colour: ink("text"), bold: true, halo: ink("map") });
      };
      ring(state.beside, 1.2);
      ring(state.feature, 2.2);
    },
    label: `Map of features by ${layout.label}, coloured by ${COLOURINGS[name].label}; `
      + "the table of features says the same. Arrow keys move it, plus and minus zoom, 0 resets.",
  });
  const absent = order.filter((i) => ATLAS.core[`x${place}`][i] === NOWHERE).length;
  setText(byId("feature-map-how"), layout.how
    + (absent && layout.name.startsWith("concepts") ? ` ${plural(absent, "live feature")} without.` : ""));
  const key = `${name} ${isDark()}`;
  if (key !== drawn) drawKey(byId("feature-map-key"), COLOURINGS[name]);
  drawn = key;
}

// How each feature is drawn; features that look the same share one object.
function coloured(colouring, size) {
  const none = { colour: ink("none-mark"), shape: "circle", size };
  if (colouring.groups) {
    const looks = colouring.groups().map((_, place) => ({ ...colouring.look(place), size }));
    return (i) => looks[colouring.of(i)] || none;
  }
  const highest = top(colouring);
  const levels = Array.from({ length: 256 }, (_, step) => ({ colour: levelColour(step / 255), shape: "circle", size }));
  return (i) => levels[Math.round((255 * Math.max(0, colouring.number(i))) / highest)] || none;
}

function top(colouring) {
  let highest = 0;
  for (let i = 0; i < ATLAS.core.n; i += 1) highest = Math.max(highest, colouring.number(i) || 0);
  return highest || 1;
}

// A key of groups, each a button that searches for it; or the ends of a scale.
function drawKey(parent, colouring) {
  if (!colouring.groups) {
    replace(parent, scaleKey(0, top(colouring), colouring.unit));
    return;
  }
  const groups = colouring.groups();
  const byType = groups === ATLAS.cells.types;
  replace(parent,
    groups.map((name, place) => (byType
      ? button("", () => change({ q: written("type", name), sort: "" }, { step: true }), { title: `Features named for ${name}` })
      : element("span", { class: "entry" }))),
    colouring.none ? element("span", { class: "entry" }, marker({ colour: ink("none-mark"), shape: "circle" }), colouring.none) : null);
  groups.forEach((name, place) => parent.children[place].append(marker(colouring.look(place)), name));
}

// A sign of the text: pictures by the dozen would be layers of the page that every frame passes.
const SIGNS = { circle: "\u25cf", square: "\u25a0", triangle: "\u25b2", diamond: "\u25c6" };

function marker(look) {
  const made = element("span", { class: "sign", "aria-hidden": "true" }, SIGNS[look.shape]);
  made.style.color = look.colour;
  return made;
}

function scaleKey(low, high, unit) {
  const pen = new SvgPen(120, 12);
  for (let step = 0; step < 30; step += 1) pen.box(4 * step, 1, 4.2, 10, levelColour((step + 0.5) / 30));
  pen.root.setAttribute("aria-hidden", "true");
  return element("span", { class: "entry" }, number(low), " ", pen.root, ` ${number(high)} ${unit}`);
}
