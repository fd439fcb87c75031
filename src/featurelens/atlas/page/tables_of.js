// Tables of one feature: types, genes, gene sets, neighbours.

function plainTable(title, heads, lines) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    element("table", {}, caption(title),
      element("thead", {}, element("tr", {}, heads)), element("tbody", {}, lines)));
}

const cell = (text, right = true) => element("td", right ? { class: "right" } : {}, text);

function linked(text, q) {
  return button(breakable(text), () => change({ q, sort: "" }, { step: true }), { class: "link", title: `Features with ${text}` });
}

function typeTable(record) {
  const highest = Math.max(...record.type_mean, 1e-12);
  const lines = typesByMean(record).map((type) => {
    const bar = element("span", { class: "meter", "aria-hidden": "true" }, element("span"));
    bar.firstChild.style.width = `${Math.max(0, (100 * record.type_mean[type]) / highest)}%`;
    const sure = record.type_flags[type];
    return element("tr", {},
      element("th", { scope: "row" }, linked(typeName(type), written("type", typeName(type)))),
      cell(number(ATLAS.cells.sizes[type])),
      element("td", { class: "right" }, bar, element("span", { class: "measured" }, number(record.type_mean[type]))),
      cell(percent(record.type_fraction[type])), cell(number(record.type_effect[type])), cell(fromLog(record.type_q[type])),
      cell([sure & 1 ? "corrected" : "", sure & 2 ? "published" : ""].filter(Boolean).join(", ") || "no", false));
  });
  const heads = [element("th", { scope: "col" }, "cell type"), element("th", { scope: "col", class: "right" }, "cells"),
    ...["type_mean", "type_fraction", "type_effect", "type_q"].map((name) => heading(name)),
    heading("type_high", true)];
  return [plainTable("Activation by cell type", heads, lines),
    reading(["type_mean", "type_fraction", "type_effect", "type_q", "type_high", "type", "type_published"])];
}

function geneTable(record, rises) {
  const lines = [];
  record.gene.forEach((gene, at) => {
    if (record.gene_fold[at] > 0 !== rises) return;
    const name = geneName(gene);
    lines.push(element("tr", {},
      element("th", { scope: "row" }, linked(name, written("gene", name)),
        record.gene_leads[at] === 2 ? element("span", { class: "quiet" }, " within types only") : null),
      cell(number(record.gene_fold[at])), cell(number(record.gene_t[at])), cell(fromLog(record.gene_q[at])),
      cell(number(record.gene_fold_within[at])), cell(fromLog(record.gene_q_within[at]))));
  });
  if (!lines.length) return element("p", { class: "quiet" }, `No gene ${rises ? "rises" : "falls"} at 5 % FDR.`);
  const heads = [element("th", { scope: "col" }, rises ? "rises" : "falls"),
    ...["log2_fold", "t", "gene_q", "log2_fold_within", "gene_q_within"].map((name) => heading(name))];
  return plainTable(rises ? "Genes that rise in high cells" : "Genes that fall in high cells", heads, lines);
}

function geneTables(record) {
  const { n_high: high, n_low: low, n_active: active } = ATLAS.core;
  const i = record.feature;
  if (!high[i]) {
    return [element("p", {}, `Its genes were not tested: ${plural(active[i], "cell")} activate it, `
      + "too few, or too few are left to compare with.")];
  }
  const noneWithin = record.gene_fold_within.every(Number.isNaN);
  const within = !ATLAS.meta.has_within ? " The contrast within types was not made for this source of features."
    : noneWithin ? " Within types nothing was compared: too few high cells have low cells of their own type and batch." : "";
  return [element("p", { class: "quiet" }, `${plural(high[i], "high cell")} against ${plural(low[i], "low cell")}, `
    + `corrected convention; the strongest of each direction, the largest least change first.${within}`),
    geneTable(record, true), geneTable(record, false),
    reading(["log2_fold", "t", "gene_q", "log2_fold_within", "gene_q_within"])];
}

// The published filter knows no direction: its genes are selected whether they rise or fall.
function directionOf(flags) {
  if (flags & 18) return flags & 1 ? "rises" : "falls";
  return flags & 1 ? "over-represented" : "under-represented";
}

function termTable(record) {
  const several = ATLAS.meta.collections.length > 1;
  const lines = [...record.term.keys()].map((at) => {
    const [term, flags] = [record.term[at], record.term_flags[at]];
    const kept = [flags & 2 ? "corrected" : "", flags & 16 ? "within types" : "", flags & 12 ? "published" : ""].filter(Boolean);
    return element("tr", {},
      element("th", { scope: "row" }, linked(termName(term), written("term", termName(term))),
        several ? element("span", { class: "quiet" }, ` ${ATLAS.index.collections[term]}`) : null),
      cell(`${flags & 18 ? (flags & 1 ? "\u2191 " : "\u2193 ") : ""}${directionOf(flags)}`, false), cell(fromLog(record.term_q[at])),
      cell(number(record.term_effect[at], 2)),
      cell(Number.isNaN(record.term_hits[at]) ? MISSING : `${record.term_hits[at]} of ${ATLAS.index.term_size[term]}`),
      cell(fromLog(record.term_q_within[at])), cell(fromLog(record.term_p_binomial[at])),
      cell(fromLog(record.term_p_mannwhitney[at])), cell(kept.join(", "), false));
  });
  const names = ["term_q", "term_effect", "term_hits", "term_q_within", "term_p_binomial", "term_p_mannwhitney"];
  const heads = [element("th", { scope: "col" }, "gene set"), heading("term_direction", true),
    ...names.map((name) => heading(name)), element("th", { scope: "col" }, "kept by")];
  const found = lines.length ? plainTable("Gene sets that a filter keeps", heads, lines)
    : element("p", { class: "quiet" }, ATLAS.meta.collections.length ? "No filter keeps a gene set for this feature." : lacking("collections"));
  return [found, reading(["term_direction", ...names])];
}

function nearTable(record) {
  const lines = [...record.near.keys()].map((at) => {
    const other = record.near[at];
    return element("tr", {},
      element("th", { scope: "row" }, button(featureName(other), () => open(other), { class: "link" }),
        " ", button("beside", () => change({ beside: other }, { step: true }), { class: "small", "aria-label": `Show feature ${other} beside` })),
      cell(number(record.near_cosine[at])), cell(number(record.near_correlation[at])),
      cell(typeOf(other) || MISSING, false),
      cell(firstTerm(other) || firstGenes(other) || (ATLAS.core.n_active[other] ? MISSING : "dead: no cell activates it"), false));
  });
  const heads = [element("th", { scope: "col" }, "feature"), heading("near_cosine"), heading("near_correlation"),
    heading("top_type", true), element("th", { scope: "col" }, "gene set or genes")];
  const how = ATLAS.meta.has_directions ? "Nearest by the direction that they add to the embedding"
    : "Nearest by their activations (this source of features has no directions)";
  return [plainTable(how, heads, lines), reading(["near_cosine", "near_correlation"])];
}

function lacking(part) {
  return ATLAS.meta.lacking[part] || "This run does not hold it.";
}
