// What leaves the page: links, tables, pictures, a sentence for a paper.

function save(name, parts, type) {
  const address = URL.createObjectURL(parts instanceof Blob ? parts : new Blob(parts, { type }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

const fileName = (rest) => `${ATLAS.meta.name.replaceAll("/", "_")}_${rest}`;
const tsv = (lines) => lines.map((line) => line.map((field) => String(field ?? "").replace(/[\t\n\r]/g, " ")).join("\t")).join("\n") + "\n";

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    say(done);
  } catch {
    const area = element("textarea", { class: "hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    say(copied ? done : `Copy this: ${text}`);
  }
}

function saveList() {
  const { core } = ATLAS;
  const numbers = ["n_active", "fraction_active", "mean", "max", "share_in_type", "effect", "n_high", "n_terms",
    "n_terms_published", "n_terms_within", ...ATLAS.meta.measures];
  const lines = rows.all.map((i) => [featureName(i), typeOf(i), core.localities[core.type[i]], core.localities[core.type_published[i]],
    ...numbers.map((name) => plainNumber(core[name][i])), plainLog(core.q[i]), firstGenes(i), firstTerm(i), rows.why(i)]);
  const heads = ["feature", "top_cell_type", "type", "type_published", ...numbers, "q", "first_genes_up", "first_term", "answer"];
  save(fileName("features.tsv"), [tsv([heads, ...lines])], "text/tab-separated-values");
}

// Everything of one feature, one row a number.
function tableOf(record) {
  const { core } = ATLAS;
  const i = record.feature;
  const lines = [["part", "name", "measure", "value"]];
  const add = (kind, name, values) => Object.entries(values).forEach(([measure, value]) => lines.push([kind, name, measure, value]));
  add("feature", featureName(i), { top_cell_type: typeOf(i), why_no_type: record.whyNoType, type: core.localities[core.type[i]],
    type_published: core.localities[core.type_published[i]], q: plainLog(core.q[i]) });
  const own = ["n_active", "fraction_active", "mean", "max", "share_in_type", "n_in_type", "effect", "n_high", "n_low", "n_terms",
    "n_terms_published", "n_terms_within", ...ATLAS.meta.measures];
  add("feature", featureName(i), Object.fromEntries(own.map((name) => [name, plainNumber(core[name][i])])));
  ATLAS.cells.types.forEach((name, at) => add("cell type", name, { n_cells: ATLAS.cells.sizes[at], mean: plainNumber(record.type_mean[at]),
    fraction_active: plainNumber(record.type_fraction[at]), effect: plainNumber(record.type_effect[at]), q: plainLog(record.type_q[at]) }));
  record.gene.forEach((gene, at) => add("gene", geneName(gene), { log2_fold: plainNumber(record.gene_fold[at]), t: plainNumber(record.gene_t[at]),
    q: plainLog(record.gene_q[at]), log2_fold_within: plainNumber(record.gene_fold_within[at]), q_within: plainLog(record.gene_q_within[at]) }));
  record.term.forEach((term, at) => add("gene set", termName(term), { direction: directionOf(record.term_flags[at]),
    q: plainLog(record.term_q[at]), effect: plainNumber(record.term_effect[at]), n_hits: plainNumber(record.term_hits[at]),
    q_within: plainLog(record.term_q_within[at]), p_binomial_published: plainLog(record.term_p_binomial[at]),
    p_mannwhitney_published: plainLog(record.term_p_mannwhitney[at]) }));
  record.near.forEach((other, at) => add("near feature", featureName(other), { cosine: plainNumber(record.near_cosine[at]),
    correlation: plainNumber(record.near_correlation[at]) }));
  return tsv(lines);
}

function sentence(record) {
  const { core, meta } = ATLAS;
  const i = record.feature;
  const first = record.term.length && record.term_flags[0] & 2
    ? `; its first gene set is \u201c${termName(record.term[0])}\u201d (q = ${fromLog(record.term_q[0])}, ${record.term_flags[0] & 1 ? "up" : "down"})` : "";
  const genes = firstGenes(i) ? `; ${firstGenes(i)} rise in its high cells` : "";
  return `Feature ${featureName(i)} of the dictionary ${meta.name} (run ${meta.run}, featurelens ${meta.version}) is active in `
    + `${plural(core.n_active[i], "cell")} of ${meta.n_cells.toLocaleString("en")}`
    + `${core.top_type[i] ? `, ${percent(core.share_in_type[i])} of its activation in ${typeName(core.top_type[i] - 1)}` : ""}${genes}${first}.`;
}

function shareOf(record) {
  const i = record.feature;
  const name = fileName(`feature_${i}`);
  const picture = (pen) => { sheet(pen, record); return pen; };
  return [
    element("p", { class: "bar" },
      button("Table as TSV", () => save(`${name}.tsv`, [tableOf(record)], "text/tab-separated-values")),
      button("Picture as PNG", () => {
        const canvas = document.createElement("canvas");
        picture(new CanvasPen(canvas, ...SHEET, 2));
        canvas.toBlob((blob) => save(`${name}.png`, blob));
      }),
      button("Picture as SVG", () => save(`${name}.svg`, [new XMLSerializer().serializeToString(picture(new SvgPen(...SHEET)).root)], "image/svg+xml")),
      button("Copy link", () => copy(window.location.href.split("#")[0] + fragment({ ...DEFAULTS, feature: i }), "Link copied."))),
    element("p", { class: "sentence" }, sentence(record)),
    button("Copy sentence", () => copy(sentence(record), "Sentence copied.")),
  ];
}
