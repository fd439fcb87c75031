// Search: names to features. A query is parts such as gene:HBB or term:"B cell activation", all of
// which must hold, and free words, which are taken together as a part of a name.

const KINDS = ["gene", "term", "type", "id"];
const KIND_LABELS = { gene: "gene", term: "gene set", type: "cell type", id: "feature" };
const MOST_NAMES = 200;
const FALLS = 128;
let vocabulary = null;

// Every name that can be searched for, in lower case, with where it leads.
function names() {
  if (vocabulary) return vocabulary;
  const { genes, aliases, terms } = ATLAS.index;
  vocabulary = [];
  const add = (kind, place, name, shown) => {
    if (name) vocabulary.push({ kind, place, low: name.toLowerCase(), shown });
  };
  ATLAS.cells.types.forEach((name, place) => add("type", place, name, name));
  genes.forEach((name, place) => add("gene", place, name, name));
  for (const column of Object.values(aliases)) {
    column.forEach((name, place) => {
      if (name !== genes[place]) add("gene", place, name, `${genes[place]} (${name})`);
    });
  }
  terms.forEach((name, place) => add("term", place, name, name));
  (ATLAS.core.names || []).forEach((name, place) => add("id", place, name, featureName(place)));
  return vocabulary;
}

// How well a name answers: 0 the same, 1 begins so, 2 a word begins so, 3 holds it, -1 does not.
function rankOf(low, wanted) {
  const at = low.indexOf(wanted);
  if (at < 0) return -1;
  if (at === 0) return low.length === wanted.length ? 0 : 1;
  for (let from = at; from >= 0; from = low.indexOf(wanted, from + 1)) {
    if (!/[a-z0-9]/.test(low[from - 1])) return 2;
  }
  return 3;
}

function suggestions(text, most = 12) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = named(wanted);
  if (/^\d+$/.test(wanted) && Number(wanted) < ATLAS.meta.n_features) {
    const place = Number(wanted);
    found.unshift({ kind: "id", place, shown: featureName(place), rank: 0 });
  }
  return found.slice(0, most).map((entry) => ({ ...entry, count: featuresOf(entry).length }));
}

// Names that hold the words, the best answers first; among equals those that lead some feature.
function named(wanted, kind = null) {
  const found = [];
  for (const entry of names()) {
    if (kind && entry.kind !== kind) continue;
    const rank = rankOf(entry.low, wanted);
    if (rank >= 0) found.push({ ...entry, rank: rank + (sizeOf(entry) ? 0 : 4) * (rank > 0) });
  }
  found.sort((a, b) => a.rank - b.rank || a.low.length - b.low.length || (a.low < b.low ? -1 : 1));
  return found.slice(0, MOST_NAMES);
}

function sizeOf({ kind, place }) {
  const at = kind === "gene" ? ATLAS.index.gene_at : kind === "term" ? ATLAS.index.term_at : null;
  return at ? at[place + 1] - at[place] : 1;
}

// Features behind a name, in the order in which they should be read, each with the reason.
function featuresOf({ kind, place, shown }) {
  if (kind === "id") return [{ feature: place, score: 0, why: "" }];
  if (kind === "type") return ofType(place);
  const { index } = ATLAS;
  const [from, to] = [index[`${kind}_at`][place], index[`${kind}_at`][place + 1]];
  const found = [];
  for (let at = from; at < to; at += 1) {
    const feature = index[`${kind}_feature`][at];
    if (kind === "gene") {
      const rank = index.gene_rank[at] % FALLS;
      const falls = index.gene_rank[at] >= FALLS;
      found.push({ feature, score: rank + (falls ? 0.5 : 0), why: `${geneName(place)} ${falls ? "falls" : "rises"}, no. ${rank + 1}` });
    } else {
      found.push({ feature, score: at - from, why: `${shown}${keptBy(index.term_flags[at])}` });
    }
  }
  return found;
}

function keptBy(flags) {
  const falls = flags & 1 ? "" : ", falls";
  if (flags & 2) return falls;
  return flags & 16 ? `${falls} (within types)` : `${falls} (published filter)`;
}

function ofType(place) {
  const { top_type: top, share_in_type: share, n_active: active } = ATLAS.core;
  const found = [];
  for (let feature = 0; feature < top.length; feature += 1) {
    if (top[feature] === place + 1) {
      found.push({ feature, score: 1 - share[feature], why: `${percent(share[feature])} in ${typeName(place)}` });
    }
  }
  return found.sort((a, b) => a.score - b.score || active[b.feature] - active[a.feature]);
}

// Parts of a query: { kind, text }, kind null for free words.
function parts(query) {
  const found = [];
  const free = query.replace(/(\w+):(?:"([^"]*)"?|(\S+))/g, (whole, kind, quoted, plain) => {
    if (!KINDS.includes(kind)) return whole;
    found.push({ kind, text: (quoted ?? plain).trim().toLowerCase() });
    return " ";
  }).replace(/\s+/g, " ").trim().toLowerCase();
  if (free) found.push({ kind: null, text: free });
  return found;
}

function written(kind, text) {
  return `${kind}:${/[\s"]/.test(text) || text === "" ? `"${text.replaceAll('"', "")}"` : text}`;
}

// Answer a query: features with score and reason, the best first, and what to say of it.
function answer(query) {
  const asked = parts(query);
  if (!asked.length) return { found: null, note: "" };
  let joined = null;
  const notes = [];
  for (const part of asked) {
    const own = answerPart(part, notes);
    if (joined === null) joined = own;
    else {
      joined = new Map([...joined].filter(([feature]) => own.has(feature)).map(([feature, hit]) => {
        const other = own.get(feature);
        return [feature, { score: hit.score + other.score, why: [hit.why, other.why].filter(Boolean).join("; ") }];
      }));
    }
  }
  const found = [...joined].map(([feature, hit]) => ({ feature, ...hit }))
    .sort((a, b) => a.score - b.score || a.feature - b.feature);
  return { found, note: notes.join(" ") };
}

function answerPart({ kind, text }, notes) {
  const hits = new Map();
  const entries = kind ? exactly(kind, text) : named(text);
  if ((!kind || kind === "id") && /^\d+$/.test(text) && Number(text) < ATLAS.meta.n_features) {
    hits.set(Number(text), { score: -1, why: "" });
  }
  for (const entry of entries) {
    for (const { feature, score, why } of featuresOf(entry)) {
      const total = 1000 * (entry.rank || 0) + score;
      if (!hits.has(feature) || hits.get(feature).score > total) hits.set(feature, { score: total, why });
    }
  }
  if (!hits.size) notes.push(whyNothing(entries, text));
  return hits;
}

function exactly(kind, text) {
  const same = names().filter((entry) => entry.kind === kind && entry.low === text);
  return same.length ? same : kind === "id" ? [] : named(text, kind);
}

function whyNothing(entries, text) {
  const first = entries[0];
  if (first && first.kind === "gene") {
    return `${geneName(first.place)} is a gene of these data, but leads no feature: it is not among the `
      + "strongest significant genes of any.";
  }
  if (first && first.kind === "term") {
    return `${first.shown} is a gene set of this run, but no filter keeps it for any feature.`;
  }
  if (first && first.kind === "type") {
    return `${first.shown} is a cell type of these data, but no feature is named for it.`;
  }
  const ensembl = /^ens[a-z]*g\d+/.test(text) && !Object.keys(ATLAS.index.aliases).length
    ? " These data name genes by symbols alone, so search for the symbol." : "";
  return `No gene, gene set, cell type or feature is called \u201c${text}\u201d.${ensembl}`;
}
