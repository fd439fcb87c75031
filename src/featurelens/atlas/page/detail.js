// The panel of a feature, or of two side by side: all that the run knows of it, and what it lacks.

let drawing = 0;

function startDetail() {
  byId("detail").tabIndex = -1;
  follow((now, before) => {
    const same = now.feature === before.feature && now.beside === before.beside;
    if (!same || now === before) showFeatures();
  });
}

async function showFeatures() {
  drawing += 1;
  const own = drawing;
  const wanted = [state.feature, state.beside].filter((feature) => feature !== null);
  const parent = byId("detail");
  if (!wanted.length) {
    layFor(parent, false);
    activation = null;
    replace(parent, element("p", { class: "hint" }, "Choose a feature in the table or on a map. "
      + "Search by gene, gene set or cell type above: press / to go there. "
      + "Shift and Enter, or Shift and a click, puts a second feature beside the first."));
    document.title = `Atlas of ${ATLAS.meta.name}`;
    return;
  }
  try {
    const records = await Promise.all(wanted.map(recordOf));
    if (own !== drawing) return;
    activation = state.feature === null ? null : activationOf(records[0]);
    if (cellMap) drawCellMap();
    layFor(parent, records.length > 1);
    replace(parent, records.map((record, place) => panel(record, place > 0)));
    document.title = `Feature ${featureName(wanted[0])} \u00b7 ${ATLAS.meta.name}`;
  } catch (error) {
    replace(parent, element("p", { class: "wrong", role: "alert" }, error.message));
  }
}

// Two features side by side take room from the list.
function layFor(parent, isPair) {
  parent.classList.toggle("two", isPair);
  parent.closest("main").classList.toggle("two", isPair);
}

function panel(record, isSecond) {
  const i = record.feature;
  const part = (title, content) => element("section", {}, element("h3", {}, title), content);
  const step = (by) => {
    const place = rows.all.indexOf(i) + by;
    if (place >= 0 && place < rows.all.length) open(rows.all[place]);
  };
  return element("article", { class: "panel", "aria-label": `Feature ${featureName(i)}` },
    element("div", { class: "bar" },
      element("h2", {}, `Feature ${featureName(i)}`),
      isSecond ? button("Close", () => change({ beside: null }, { step: true }))
        : [button("Previous", () => step(-1)), button("Next", () => step(1)), button("Close", () => change({ feature: null, beside: null }, { step: true }))]),
    element("p", { class: "summary" }, summary(record)),
    facts(record),
    isSecond ? smallMap(record) : null,
    part("Where it is active", typeTable(record)),
    part("Genes", geneTables(record)),
    part("Gene sets", [...termTable(record), heldOut(i), sharesOf()]),
    part("Nearest features", nearTable(record)),
    part("Stability over training seeds", stability(i)),
    part("Steering", steeringOf(i)),
    part("GSEA", gseaOf(i)),
    part("Share", shareOf(record)));
}

// What the feature is, in a sentence.
function summary(record) {
  const { core } = ATLAS;
  const i = record.feature;
  if (!core.n_active[i]) return "No cell activates this feature.";
  const where = core.top_type[i]
    ? `${percent(core.share_in_type[i])} of its activation lies in ${typeName(core.top_type[i] - 1)}`
    : `no main type: ${record.whyNoType}`;
  return `Active in ${plural(core.n_active[i], "cell")} of ${ATLAS.meta.n_cells.toLocaleString("en")} `
    + `(${percent(core.fraction_active[i])}); ${where}.`;
}

function oneLine(record) {
  const parts = [summary(record), firstGenes(record.feature) ? `Rises with it: ${firstGenes(record.feature)}.` : ""];
  return parts.join(" ").slice(0, 150);
}

function facts(record) {
  const { core } = ATLAS;
  const i = record.feature;
  const shown = [
    ["type", core.localities[core.type[i]]], ["type_published", core.localities[core.type_published[i]]],
    ["effect", number(core.effect[i])], ["q", fromLog(core.q[i])], ["n_in_type", number(core.n_in_type[i])],
    ["mean", number(core.mean[i])], ["max", number(core.max[i])], ["n_terms", number(core.n_terms[i])],
    ["n_terms_published", number(core.n_terms_published[i])], ["n_terms_within", ATLAS.meta.has_within ? number(core.n_terms_within[i]) : "not made"],
    ...ATLAS.meta.measures.map((name) => [name, number(core[name][i])]),
  ];
  const list = shown.map(([name, text]) => {
    const { label, unit, help } = word(name);
    return element("div", { class: "fact", title: help }, element("dt", {}, label),
      element("dd", {}, text, unit && text !== MISSING ? element("span", { class: "quiet" }, ` ${unit}`) : null));
  });
  return [element("dl", { class: "facts" }, list), reading(shown.map(([name]) => name))];
}

function smallMap(record) {
  const canvas = element("canvas", { class: "small-map", role: "img", "aria-label": `Activation of feature ${record.feature} over the cells` });
  const draw = () => {
    const side = Math.max(canvas.clientWidth, 200);
    const pen = new CanvasPen(canvas, side, 300);
    const { look, order } = cellLook(activationOf(record));
    const map = new SheetMap((side - 280) / 2, 10, 280, 280);
    pen.ground(ink("map"));
    for (const cellAt of order) {
      const { colour, shape, size } = look(cellAt);
      pen.mark(shape, ...map.at(cellAt), size, colour);
    }
  };
  requestAnimationFrame(draw);
  canvas.addEventListener("redraw", draw);
  return element("figure", {}, canvas, element("figcaption", { class: "quiet" }, `Activation of feature ${record.feature} over the same cells`));
}

function sharesOf() {
  const { shares } = ATLAS.meta;
  if (!shares.length) return null;
  const nulls = ["share", "share_complete", "share_beyond_type", "share_singly", "share_genes"];
  const lines = shares.map((row) => element("tr", {},
    element("th", { scope: "row" }, breakable([row.collection, row.convention, row.contrast === "global" ? "all cells" : "within types",
      { kept_published_05: "p < 0.05", kept_published_figures: "as in the figures" }[row.filter]].filter(Boolean).join(", "))),
    nulls.map((name) => cell(percent(row[name]))), cell(row.verdict || MISSING, false)));
  return [plainTable("Share of live features with a gene set, beside what shuffled data give",
    [element("th", { scope: "col" }, "tests"), ...nulls.map((name) => heading(name)), heading("verdict", true)], lines),
    reading([...nulls, "verdict"])];
}

// Terms that one half of the cells declares, and what the other half says of them.
function heldOut(i) {
  const made = Object.entries(ATLAS.extras.confirmed);
  if (!made.length) return element("p", { class: "quiet" }, lacking("confirmed"));
  return made.map(([collection, features]) => {
    const found = features[i];
    if (!found) return element("p", { class: "quiet" }, `Held out, ${collection}: one half of the cells alone declares no gene set of this feature.`);
    const [declared, tested, held] = found.counts;
    const lines = found.terms.map(([term, rises, q, p, holds]) => element("tr", {},
      element("th", { scope: "row" }, linked(term, written("term", term))),
      cell(rises ? "\u2191 rises" : "\u2193 falls", false), cell(number(q)), cell(number(p)),
      cell(holds === null ? "not tested" : holds ? "holds" : "does not hold", false)));
    const rest = declared - found.terms.length;
    return [element("p", {}, `Held out: of ${plural(declared, "gene set")} that one half of the cells declares, ${held} of the ${tested} `
      + `that the other half can test ${held === 1 ? "holds" : "hold"}. Tested on another feature ${percent(found.chance[0])} would, on permuted cells ${percent(found.chance[1])}.`),
      plainTable(`Declared on one half of the cells, ${collection}${rest ? `; ${rest} more are not listed` : ""}`,
        [element("th", { scope: "col" }, "gene set"), element("th", { scope: "col" }, "its genes"), heading("q_declared"), heading("p_confirm"),
          element("th", { scope: "col" }, "in the other half")], lines),
      reading(["q_declared", "p_confirm"])];
  }).flat();
}

function stability(i) {
  if (!ATLAS.meta.measures.includes("stability")) return element("p", { class: "quiet" }, lacking("stability"));
  const random = ATLAS.core.stability_random;
  return [element("p", {}, `r = ${number(ATLAS.core.stability[i])} with the features of other seeds (1: the same every time)`
    + `${random ? `; r = ${number(random[i])} for random directions that fire as often` : ""}.`), reading(["stability", "stability_random"])];
}

function links(features) {
  return features.map((feature, place) => [place ? ", " : "", button(featureName(Number(feature)), () => open(Number(feature)), { class: "link" })]).flat();
}

function gseaOf(i) {
  const made = Object.entries(ATLAS.extras.gsea).filter(([, features]) => Object.keys(features).length);
  if (!made.length) return element("p", { class: "quiet" }, ATLAS.meta.lacking.gsea || "GSEA was made of no feature of this source.");
  return made.map(([collection, features]) => {
    if (!features[i]) return element("p", { class: "quiet" }, "GSEA looked at other features: ", links(Object.keys(features)), ".");
    const lines = features[i].map((set) => element("tr", {}, element("th", { scope: "row" }, linked(set.term, written("term", set.term))),
      cell(number(set.nes)), cell(number(set.fdr)), cell(`${set.n_leading} of ${set.n_genes}`), cell(set.leading_edge, false)));
    const plots = features[i].filter((set) => set.curve).map((set) => {
      const pen = new SvgPen(330, 186);
      gseaChart(pen, set);
      pen.set(pen.root, { role: "img", "aria-label": `Running sum of ${set.term}, NES ${number(set.nes)}` });
      return element("figure", { class: "plot" }, element("figcaption", {}, `${set.term}: NES ${number(set.nes)}`), pen.root);
    });
    return [element("div", { class: "plots" }, plots),
      plainTable(`Preranked GSEA, ${collection}`, [element("th", { scope: "col" }, "gene set"), heading("nes"), heading("fdr"), heading("n_leading"), element("th", { scope: "col" }, "its genes")], lines),
      reading(["nes", "fdr", "n_leading"])];
  }).flat();
}
