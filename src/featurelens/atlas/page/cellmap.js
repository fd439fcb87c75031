// The map of cells: by type, or the activation of the chosen feature over grey cells.

let cellMap = null;
let activation = null;

function startCellMap() {
  cellMap = new PointMap(byId("cell-map"), {
    onChoose: (i) => change({ q: written("type", typeName(ATLAS.cells.type[i])), sort: "" }, { step: true }),
    describe: (i) => {
      const steps = activation && activation.steps[i];
      const shown = activation ? ` \u00b7 activation ${steps ? `about ${number((steps / 255) * activation.highest, 2)}` : "0"}` : "";
      return `${typeName(ATLAS.cells.type[i])}${shown}`;
    },
  });
  byId("cell-map-how").textContent = `${ATLAS.cells.how}; ${ATLAS.cells.rule}.`;
  follow((now, before) => {
    if (now === before || !cellMap.x || (now.feature === null && before.feature !== null)) drawCellMap();
  });
}

// Steps of every drawn cell, from the record of a feature.
function activationOf(record) {
  const steps = new Uint8Array(ATLAS.cells.x.length);
  record.cells.forEach((cell, place) => { steps[cell] = record.steps[place]; });
  return { steps, highest: ATLAS.core.max[record.feature], feature: record.feature };
}

function cellSize() {
  return Math.max(1.1, Math.min(3.2, 95 / Math.sqrt(ATLAS.cells.x.length)));
}

function cellLook(shown) {
  const size = cellSize();
  if (!shown) {
    const looks = ATLAS.cells.types.map((_, type) => ({ ...typeLook(type), size }));
    return { look: (i) => looks[ATLAS.cells.type[i]], order: null };
  }
  const none = { colour: ink("none-mark"), shape: "circle", size: 0.8 * size };
  const levels = Array.from({ length: 256 }, (_, step) => (step
    ? { colour: levelColour(step / 255), shape: "circle", size: 1.15 * size } : none));
  return { look: (i) => levels[shown.steps[i]], order: ascending(shown.steps) };
}

// Places of bytes, the smallest byte first.
function ascending(bytes) {
  const from = new Uint32Array(257);
  for (const byte of bytes) from[byte + 1] += 1;
  for (let byte = 0; byte < 256; byte += 1) from[byte + 1] += from[byte];
  const order = new Uint32Array(bytes.length);
  bytes.forEach((byte, place) => { order[from[byte]++] = place; });
  return order;
}

function drawCellMap() {
  const shown = state.feature === null ? null : activation;
  const { look, order } = cellLook(shown);
  cellMap.show({
    x: ATLAS.cells.x, y: ATLAS.cells.y, look, order,
    over: (pen, at) => typeLabels(pen, at),
    label: shown ? `Map of cells with the activation of feature ${shown.feature}; the table of types says the same.`
      : "Map of cells by type.",
  });
  byId("cell-map-title").textContent = shown ? `Activation of feature ${shown.feature}` : "Map of cells";
  const key = byId("cell-map-key");
  if (shown) replace(key, shown.highest ? scaleKey(0, shown.highest, "activation") : null, element("span", { class: "entry" },
    marker({ colour: ink("none-mark"), shape: "circle" }), "inactive"));
  else drawKey(key, COLOURINGS.type);
}

let middles = null;

// Names of types at the median of their cells, where they do not meet another name.
function typeLabels(pen, at) {
  if (!middles) {
    const cells = ATLAS.cells.types.map(() => []);
    ATLAS.cells.type.forEach((type, i) => cells[type].push(i));
    const median = (list, of) => list.slice().sort((a, b) => of[a] - of[b])[list.length >> 1];
    middles = cells.map((list) => (list.length ? [median(list, ATLAS.cells.x), median(list, ATLAS.cells.y), list.length] : null));
  }
  const taken = [];
  const places = middles.map((each, type) => [each, type]).filter(([each]) => each).sort((a, b) => b[0][2] - a[0][2]);
  for (const [[cx, cy], type] of places) {
    const [x, y] = [at(cx)[0], at(cy)[1]];
    const name = typeName(type);
    const short = name.length > 24 ? `${name.slice(0, 22)}\u2026` : name;
    const half = 3.1 * short.length;
    const left = Math.min(Math.max(x, half + 2), pen.width - half - 2);
    if (taken.some(([a, b, wide]) => Math.abs(a - left) < wide + half && Math.abs(b - y) < 13)) continue;
    taken.push([left, y, half]);
    pen.text(short, left, y + 4, { colour: ink("text"), size: 11, anchor: "middle", halo: ink("map") });
  }
}
