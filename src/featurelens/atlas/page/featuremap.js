// The map of features: where each lies by one of several layouts, coloured by what is asked for.

const COLOURINGS = {
  type: { label: "cell type", groups: () => ATLAS.cells.types, of: (i) => ATLAS.core.top_type[i] - 1, none: "no main type" },
  locality: { label: "locality", groups: () => ATLAS.core.localities.slice(0, 3), of: (i) => ATLAS.core.type[i], none: "" },
  terms: { label: "number of gene sets", number: (i) => ATLAS.core.n_terms[i], unit: "gene sets" },
  cells: { label: "active cells", number: (i) => ATLAS.core.n_active[i], unit: "cells" },
};
let featureMap = null;
let asked = false;

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
    else if (!asked) {
      // Drawn before the next picture, so that a key stroke is answered by the table at once.
      asked = true;
      requestAnimationFrame(() => { asked = false; drawFeatureMap(); });
    }
  });
}

function drawFeatureMap() {
  const place = Math.max(ATLAS.core.maps.findIndex((each) => each.name === state.layout), 0);
  const layout = ATLAS.core.maps[place];
  const name = COLOURINGS[state.colour] ? state.colour : "type";
  [byId("layout").value, byId("colour").value] = [layout.name, name];
  const look = coloured(COLOURINGS[name]);
  const listed = new Set(rows.all);
  const searched = state.q !== "" || state.show !== "live";
  const size = Math.max(1.6, Math.min(4, 90 / Math.sqrt(ATLAS.core.n)));
  const muted = ink("muted-mark");
  const live = [...Array(ATLAS.core.n).keys()].filter((i) => ATLAS.core.n_active[i] > 0 || listed.has(i));
  const order = [...live.filter((i) => !listed.has(i)), ...live.filter((i) => listed.has(i))];
  Object.assign(featureMap, { farX: 0, farY: 0 });
  featureMap.show({
    x: ATLAS.core[`x${place}`], y: ATLAS.core[`y${place}`], order,
    look: (i) => (listed.has(i) ? { ...look(i), size: searched ? 1.3 * size : size } : { colour: muted, shape: "square", size: 0.6 * size }),
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
  const absent = live.filter((i) => ATLAS.core[`x${place}`][i] === NOWHERE).length;
  byId("feature-map-how").textContent = layout.how
    + (absent && layout.name.startsWith("concepts") ? ` ${plural(absent, "live feature")} without.` : "");
  drawKey(byId("feature-map-key"), COLOURINGS[name]);
}

function coloured(colouring) {
  if (colouring.groups) {
    const none = { colour: ink("none-mark"), shape: "circle" };
    return (i) => (colouring.of(i) >= 0 && colouring.of(i) < colouring.groups().length ? groupLook(colouring.of(i)) : none);
  }
  const highest = top(colouring);
  return (i) => {
    const value = colouring.number(i);
    return Number.isNaN(value) ? { colour: ink("none-mark"), shape: "circle" }
      : { colour: levelColour(Math.max(0, value) / highest), shape: "circle" };
  };
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
  groups.forEach((name, place) => parent.children[place].append(marker(groupLook(place)), name));
}

function marker(look) {
  const pen = new SvgPen(14, 12);
  pen.mark(look.shape, 6, 6, 4, look.colour);
  pen.root.setAttribute("aria-hidden", "true");
  return pen.root;
}

function scaleKey(low, high, unit) {
  const pen = new SvgPen(120, 12);
  for (let step = 0; step < 30; step += 1) pen.box(4 * step, 1, 4.2, 10, levelColour((step + 0.5) / 30));
  pen.root.setAttribute("aria-hidden", "true");
  return element("span", { class: "entry" }, number(low), " ", pen.root, ` ${number(high)} ${unit}`);
}
