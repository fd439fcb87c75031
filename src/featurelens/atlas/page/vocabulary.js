// Every name that can be searched for, in lower case, the shortest first: where several answer
// equally well, the one that is most nearly what was typed comes first. Names are columns, not
// objects, because there are tens of thousands and every key stroke reads them.

const KINDS = ["type", "gene", "term", "id"];
const KIND_LABELS = { gene: "gene", term: "gene set", type: "cell type", id: "feature" };
const MOST_NAMES = 200;
const RANKS = 4;
let vocabulary = null;

function names() {
  if (vocabulary) return vocabulary;
  const { genes, aliases, terms } = ATLAS.index;
  const [low, kinds, places, shown] = [[], [], [], []];
  const add = (kind, list, show = null, skip = null) => list.forEach((name, place) => {
    if (!name || (skip && skip[place] === name)) return;
    low.push(name.toLowerCase());
    kinds.push(KINDS.indexOf(kind));
    places.push(place);
    shown.push(show ? () => show(name, place) : name);
  });
  add("type", ATLAS.cells.types);
  add("gene", genes);
  const called = (name, place) => `${genes[place]} (${name})`;
  for (const column of Object.values(aliases)) add("gene", column, called, genes);
  add("term", terms);
  add("id", ATLAS.core.names || [], (_, place) => featureName(place));
  const order = byLength(low);
  const sorted = (list) => Array.from(order, (at) => list[at]);
  vocabulary = { low: sorted(low), kind: Uint8Array.from(sorted(kinds)), place: Uint32Array.from(sorted(places)), shown: sorted(shown) };
  return vocabulary;
}

function byLength(texts) {
  const from = new Uint32Array(2 + texts.reduce((most, text) => Math.max(most, text.length), 0));
  for (const text of texts) from[text.length + 1] += 1;
  for (let length = 1; length < from.length; length += 1) from[length] += from[length - 1];
  const order = new Uint32Array(texts.length);
  texts.forEach((text, place) => { order[from[text.length]++] = place; });
  return order;
}

// How well a name answers: 0 the same, 1 begins so, 2 a word begins so, 3 holds it, -1 does not.
function rankOf(low, wanted) {
  const at = low.indexOf(wanted);
  if (at < 0) return -1;
  if (at === 0) return low.length === wanted.length ? 0 : 1;
  for (let from = at; from >= 0; from = low.indexOf(wanted, from + 1)) {
    if (!isLetterOrDigit(low.charCodeAt(from - 1))) return 2;
  }
  return 3;
}

const isLetterOrDigit = (code) => (code > 96 && code < 123) || (code > 47 && code < 58);

// Names that hold the words, the best answers first, those that lead to no feature last. The box
// and the table ask for the same words one after the other, and the next key stroke for longer
// ones, which only names that answered before, or were not looked at, can hold.
let last = { wanted: "", kind: null, holding: null, found: [] };

function named(wanted, kind = null) {
  if (kind === null && firsts.has(wanted)) last = firsts.get(wanted);
  else if (!last.holding || last.wanted !== wanted || last.kind !== kind) {
    const narrower = last.holding && last.kind === kind && wanted.startsWith(last.wanted);
    last = { wanted, kind, ...findNamed(wanted, kind, narrower ? last.holding : null) };
  }
  return last.found;
}

// The first sign of a word is looked for among all names and answered by thousands of features;
// that is done before it is typed, and rows of the closed list are laid out.
const firsts = new Map();

function prepare() {
  names();
  const idle = window.requestIdleCallback || ((act) => setTimeout(act, 20));
  const signs = [..."abcdefghijklmnopqrstuvwxyz0123456789"];
  const next = () => {
    const wanted = signs.shift();
    if (!wanted) {
      if (!box.isOpen) fillSuggestions(suggestions("a", MOST_SUGGESTIONS));
      return;
    }
    firsts.set(wanted, { wanted, kind: null, ...findNamed(wanted, null, null) });
    firsts.get(wanted).answer = answer(wanted);
    idle(next);
  };
  idle(next);
}

// Names are passed in the order of their lengths, so when enough of them begin with what is wanted
// and lead to features, those that follow cannot come before them. They are kept for a longer word.
function findNamed(wanted, kind, among) {
  const { low, kind: kinds } = names();
  const only = kind === null ? -1 : KINDS.indexOf(kind);
  const byRank = Array.from({ length: 2 * RANKS }, () => []);
  const all = among || everyName();
  const holding = new Uint32Array(all.length);
  let count = 0;
  let step = 0;
  for (; step < all.length && byRank[1].length < MOST_NAMES; step += 1) {
    const name = all[step];
    if (only >= 0 && kinds[name] !== only) continue;
    const rank = rankOf(low[name], wanted);
    if (rank < 0) continue;
    holding[count] = name;
    count += 1;
    if (byRank[rank].length >= MOST_NAMES) continue;
    const own = byRank[rank > 0 && !sizeOfName(name) ? rank + RANKS : rank];
    if (own.length < MOST_NAMES) own.push(name);
  }
  holding.set(all.subarray(step), count);
  const alphabetic = (a, b) => low[a].length - low[b].length || (low[a] < low[b] ? -1 : 1);
  const found = byRank.flatMap((own, rank) => own.sort(alphabetic).map((name) => entryOf(name, rank))).slice(0, MOST_NAMES);
  return { holding: holding.subarray(0, count + all.length - step), found };
}

let every = null;

function everyName() {
  every = every || Uint32Array.from(names().low, (_, name) => name);
  return every;
}

function entryOf(name, rank) {
  const { kind, place, shown } = vocabulary;
  return { kind: KINDS[kind[name]], place: place[name], rank, get shown() { return typeof shown[name] === "string" ? shown[name] : shown[name](); } };
}

const sizeOfName = (name) => sizeOf({ kind: KINDS[vocabulary.kind[name]], place: vocabulary.place[name] });

// How many features a name leads to.
function sizeOf({ kind, place }) {
  if (kind === "type") return featuresOfTypes()[place].length;
  const at = kind === "gene" ? ATLAS.index.gene_at : kind === "term" ? ATLAS.index.term_at : null;
  return at ? at[place + 1] - at[place] : 1;
}

let ofTypes = null;

// Features that are named for each type.
function featuresOfTypes() {
  if (!ofTypes) {
    ofTypes = ATLAS.cells.types.map(() => []);
    ATLAS.core.top_type.forEach((place, i) => { if (place) ofTypes[place - 1].push(i); });
  }
  return ofTypes;
}

function suggestions(text, most) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = named(wanted).slice(0, most);
  if (isFeature(wanted)) found.unshift({ kind: "id", place: Number(wanted), shown: featureName(Number(wanted)), rank: 0 });
  return found.slice(0, most);
}

function isFeature(text) {
  return /^\d+$/.test(text) && Number(text) < ATLAS.meta.n_features;
}
