// Pictures beside the maps: the running sum of GSEA, and a feature on one sheet for a paper. Those
// of the page name its colours, so that they follow it into the dark and onto paper.

function gseaChart(pen, set, { left = 44, top = 8 } = {}) {
  const { curve } = set;
  const [width, height] = [pen.width - left - 12, pen.height - top - 52];
  const [low, high] = [Math.min(0, ...curve.y), Math.max(0, ...curve.y)];
  const x = (at) => left + (width * at) / Math.max(curve.n - 1, 1);
  const y = (value) => top + height * (1 - (value - low) / (high - low || 1));
  pen.line([[left, y(0)], [left + width, y(0)]], "var(--line)");
  pen.line(curve.x.map((at, place) => [x(at), y(curve.y[place])]), "var(--accent)", 2);
  for (const value of [low, high]) {
    pen.text(number(value, 2), left - 6, y(value) + 4, { colour: "var(--quiet)", size: 11, anchor: "end" });
  }
  for (const hit of curve.hits) pen.line([[x(hit), top + height + 6], [x(hit), top + height + 18]], "var(--text)");
  pen.text("genes that rise most", left, top + height + 34, { colour: "var(--quiet)", size: 11 });
  pen.text("fall most", left + width, top + height + 34, { colour: "var(--quiet)", size: 11, anchor: "end" });
}

// Way to the target over doses of an edit, with its interval; 0 is a line of its own.
function doseChart(pen, doses, { left = 50, top = 24 } = {}) {
  const [width, height] = [pen.width - left - 12, pen.height - top - 40];
  const ends = doses.flatMap((row) => [row.way_low, row.way_high, row.way]).filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const most = Math.max(...doses.map((row) => row.dose)) || 1;
  const x = (dose) => left + (width * dose) / most;
  const y = (value) => top + height * (1 - (value - low) / (high - low || 1));
  pen.text("Share of the way to the target", left, 14, { colour: "var(--text)", size: 12, bold: true });
  pen.line([[left, y(0)], [left + width, y(0)]], "var(--line)");
  for (const row of doses) pen.line([[x(row.dose), y(row.way_low)], [x(row.dose), y(row.way_high)]], "var(--quiet)", 2);
  pen.line(doses.map((row) => [x(row.dose), y(row.way)]), "var(--accent)", 2);
  for (const row of doses) {
    if (row.beyond_range) pen.ring(x(row.dose), y(row.way), 3.5, "var(--accent)", 1.5);
    else pen.mark("circle", x(row.dose), y(row.way), 3.5, "var(--accent)");
    pen.text(plainNumber(row.dose), x(row.dose), top + height + 16, { colour: "var(--quiet)", size: 11, anchor: "middle" });
  }
  for (const value of new Set([low, 0, high])) {
    pen.text(number(value, 2), left - 6, y(value) + 4, { colour: "var(--quiet)", size: 11, anchor: "end" });
  }
  pen.text("dose (1: the edit; open: beyond any cell)", left, pen.height - 6, { colour: "var(--quiet)", size: 11 });
}

// One sheet: the activation over the cells, its mean by type, what the feature is.
function sheet(pen, record) {
  const shown = activationOf(record);
  const { look, order } = cellLook(shown);
  const map = new SheetMap(24, 66, 400, 400);
  pen.ground(ink("map"));
  pen.text(`Feature ${featureName(record.feature)} of ${ATLAS.meta.name}`, 24, 28, { colour: ink("text"), size: 17, bold: true });
  pen.text(oneLine(record), 24, 50, { colour: ink("quiet"), size: 12 });
  for (const i of order) {
    if (ATLAS.cells.x[i] === NOWHERE) continue;
    const { colour, shape, size } = look(i);
    pen.mark(shape, ...map.at(i), size, colour);
  }
  typeBars(pen, record, 470, 84);
  for (let step = 0; step < 40; step += 1) pen.box(24 + 3 * step, 482, 3.2, 9, levelColour((step + 0.5) / 40));
  pen.text(`activation, 0 to ${number(shown.highest)}`, 152, 491, { colour: ink("quiet"), size: 11 });
  const { version } = ATLAS.meta;
  pen.text(`featurelens ${version}; ${ATLAS.cells.how}`, pen.width - 16, 491, { colour: ink("quiet"), size: 10, anchor: "end" });
}

const SHEET = [860, 508];

class SheetMap {
  constructor(left, top, width, height) {
    const far = (steps) => steps.reduce((most, step) => (step === NOWHERE ? most : Math.max(most, step)), 1);
    Object.assign(this, { left, top, side: Math.min(width, height), farX: far(ATLAS.cells.x), farY: far(ATLAS.cells.y) });
  }

  at(i) {
    const scale = this.side / (NOWHERE - 1);
    return [
      this.left + (this.side - this.farX * scale) / 2 + ATLAS.cells.x[i] * scale,
      this.top + this.side - (this.side - this.farY * scale) / 2 - ATLAS.cells.y[i] * scale,
    ];
  }
}

function typeBars(pen, record, left, top, most = 22) {
  const order = typesByMean(record).slice(0, most);
  const highest = Math.max(...order.map((type) => record.type_mean[type]), 1e-12);
  pen.text("Mean activation by cell type", left, top - 14, { colour: ink("text"), size: 12, bold: true });
  order.forEach((type, place) => {
    const y = top + 17 * place;
    const name = typeName(type);
    pen.text(name.length > 28 ? `${name.slice(0, 26)}\u2026` : name, left + 176, y + 9, { colour: ink("text"), size: 11, anchor: "end" });
    pen.box(left + 184, y, Math.max(1, (130 * record.type_mean[type]) / highest), 12, ink("accent"));
    pen.text(number(record.type_mean[type], 2), left + 320, y + 10, { colour: ink("quiet"), size: 11 });
  });
}

function typesByMean(record) {
  return [...ATLAS.cells.types.keys()].sort((a, b) => record.type_mean[b] - record.type_mean[a]);
}
