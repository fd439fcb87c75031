// Every name that can be searched for, in lower case, the shortest first: where several answer
// equally well, the one that is most nearly what was typed comes first.

const KINDS = ["type", "gene", "term", "id"];
const KIND_LABELS = { gene: "gene", term: "gene set", type: "cell type", id: "feature" };
const MOST_NAMES = 200;
let vocabulary = null;

function names() {
  if (vocabulary) return vocabulary;
  const { genes, aliases, terms } = ATLAS.index;
  const found = [];
  const add = (kind, place, name, shown = name) => {
    if (name) found.push({ kind, place, low: name.toLowerCase(), shown });
  };
  ATLAS.cells.types.forEach((name, place) => add("type", place, name));
  genes.forEach((name, place) => add("gene", place, name));
  for (const column of Object.values(aliases)) {
    column.forEach((name, place) => {
      if (name !== genes[place]) add("gene", place, name, `${genes[place]} (${name})`);
    });
  }
  terms.forEach((name, place) => add("term", place, name));
  (ATLAS.core.names || []).forEach((name, place) => add("id", place, name, featureName(place)));
  found.sort((a, b) => a.low.length - b.low.length || (a.low < b.low ? -1 : 1));
  vocabulary = found;
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

// Names that hold the words, the best answers first, those that lead to no feature last. The box
// and the table ask for the same words one after the other.
let lastNamed = { key: null, found: [] };

function named(wanted, kind = null) {
  const key = `${kind} ${wanted}`;
  if (lastNamed.key !== key) lastNamed = { key, found: findNamed(wanted, kind) };
  return lastNamed.found;
}

function findNamed(wanted, kind) {
  const byRank = Array.from({ length: 8 }, () => []);
  for (const entry of names()) {
    if (kind && entry.kind !== kind) continue;
    const rank = rankOf(entry.low, wanted);
    if (rank < 0) continue;
    const own = byRank[rank > 0 && !sizeOf(entry) ? rank + 4 : rank];
    if (own.length < MOST_NAMES) own.push(entry);
  }
  return byRank.flatMap((own, rank) => own.map((entry) => ({ ...entry, rank }))).slice(0, MOST_NAMES);
}

// How many features a name leads to.
function sizeOf({ kind, place }) {
  if (kind === "type") return typeCounts()[place];
  const at = kind === "gene" ? ATLAS.index.gene_at : kind === "term" ? ATLAS.index.term_at : null;
  return at ? at[place + 1] - at[place] : 1;
}

let counted = null;

function typeCounts() {
  if (!counted) {
    counted = new Uint32Array(ATLAS.cells.types.length);
    for (const place of ATLAS.core.top_type) if (place) counted[place - 1] += 1;
  }
  return counted;
}

function suggestions(text, most = 12) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = named(wanted).slice(0, most);
  if (isFeature(wanted)) found.unshift({ kind: "id", place: Number(wanted), shown: featureName(Number(wanted)), rank: 0 });
  return found.slice(0, most);
}

function isFeature(text) {
  return /^\d+$/.test(text) && Number(text) < ATLAS.meta.n_features;
}
