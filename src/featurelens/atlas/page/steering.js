// What happens to cells when the feature is set to a value, and to the same cells under its controls.

const OF_CONTROLS = ["efficiency", "specificity", "precision"];
const OF_DOSES = ["dose", "activation", "way", "share_arrived"];
const FEW = 20; // controls of which a rank says little
const LONG = 40; // signs that are given the room of two facts

function steeringOf(i) {
  const found = ATLAS.extras.steering[i];
  if (!found) {
    const others = Object.keys(ATLAS.extras.steering);
    return element("p", { class: "quiet" }, others.length
      ? ["This feature was not steered. Steered were ", links(others), "."] : lacking("steering"));
  }
  return found.map(({ facts: known, genes, controls = [], doses = [] }) => [
    steeredFacts(known), dosesOf(doses), controlsOf(controls), steeredGenes(genes),
  ]).flat();
}

function steeredFacts(known) {
  const shown = Object.entries(known).filter(([, value]) => value !== null && value !== "");
  const list = shown.map(([name, value]) => {
    const { label, unit, help } = word(`steering_${name}`);
    const isLong = typeof value === "string" && value.length > LONG;
    return element("div", { class: isLong ? "fact long" : "fact", title: help }, element("dt", {}, label),
      element("dd", {}, typeof value === "number" ? number(value) : String(value), unit ? element("span", { class: "quiet" }, ` ${unit}`) : null));
  });
  return [element("dl", { class: "facts" }, list), reading(shown.map(([name]) => `steering_${name}`))];
}

function steeredGenes(genes) {
  if (!genes.length) return element("p", { class: "quiet" }, "No gene: nothing decodes these cells to expression.");
  const names = Object.keys(genes[0]).filter((name) => name !== "gene").map((name) => `steering_${name}`);
  const lines = genes.map(({ gene, ...numbers }) => element("tr", {},
    element("th", { scope: "row" }, linked(gene, written("gene", gene))), Object.values(numbers).map((value) => cell(number(value)))));
  return [plainTable("Genes that change most in the same cells", [element("th", { scope: "col" }, "gene"), ...names.map((name) => heading(name))], lines),
    reading(names)];
}

// How far the cells come at each dose, as a line with its interval and as numbers.
function dosesOf(doses) {
  if (!doses.length) return null;
  const pen = new SvgPen(350, 200);
  doseChart(pen, doses);
  pen.set(pen.root, { role: "img", "aria-label": "Way to the target over doses; the table says the same" });
  const lines = doses.map((row) => element("tr", {},
    element("th", { scope: "row" }, plainNumber(row.dose), row.beyond_range ? element("span", { class: "quiet" }, " beyond any cell") : null),
    cell(number(row.activation)), cell(`${number(row.way)} (${number(row.way_low)} to ${number(row.way_high)})`), cell(percent(row.share_arrived))));
  return [element("div", { class: "plots" }, pen.root),
    plainTable("Doses of the edit", OF_DOSES.map((name, place) => heading(name, place === 0)), lines), reading(OF_DOSES)];
}

// The steered feature among its controls, which move every cell equally far.
function controlsOf(controls) {
  if (!controls.length) return null;
  const lines = controls.map((row) => element("tr", {}, element("th", { scope: "row" }, kindOfControl(row.kind)),
    cell(number(row.n)), OF_CONTROLS.map((name) => cell(number(row[name]))),
    cell(row.kind === "feature" ? MISSING : `${row.n_above} of ${row.n}`)));
  const ranks = controls.filter((row) => row.kind !== "feature" && row.n >= FEW).map((row) => element("p", {},
    `By efficiency it is no. ${row.n_above + 1} of ${row.n + 1} among ${kindOfControl(row.kind)} of equal length `
    + `(p = ${number((row.n_above + 1) / (row.n + 1), 2)}), at dose 1.`));
  return [ranks, plainTable("The feature among its controls, at dose 1 (medians where these are many)", [element("th", { scope: "col" }, "what"),
    element("th", { scope: "col", class: "right" }, "number"), ...OF_CONTROLS.map((name) => heading(name)),
    element("th", { scope: "col", class: "right", title: "Controls that are more efficient than the feature" }, "more efficient than it")], lines),
    reading([...OF_CONTROLS, ...controls.filter((row) => row.kind !== "feature").map((row) => `control_${row.kind}`)])];
}

const kindOfControl = (kind) => (kind === "feature" ? "this feature" : word(`control_${kind}`).label);
