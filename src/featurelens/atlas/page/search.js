// Search: a query is parts such as gene:HBB or term:"B cell activation", all of which must hold,
// and free words, which are taken together as a part of a name. Why a feature answers is put into
// words only for the rows in sight.

const FALLS = 128;

// Parts of a query: { kind, typed, text }, kind null for free words, text in lower case.
function parts(query) {
  const found = [];
  const free = query.replace(/(\w+):(?:"([^"]*)"?|(\S+))/g, (whole, kind, quoted, plain) => {
    if (!KINDS.includes(kind)) return whole;
    found.push(part(kind, (quoted ?? plain).trim()));
    return " ";
  }).replace(/\s+/g, " ").trim();
  if (free) found.push(part(null, free));
  return found;
}

const part = (kind, typed) => ({ kind, typed, text: typed.toLowerCase() });

function written(kind, text) {
  return `${kind}:${/[\s"]/.test(text) || text === "" ? `"${text.replaceAll('"', "")}"` : text}`;
}

// Answer a query: features, the best first; why each answers; and what to say where none does.
function answer(query) {
  const known = firsts.get(query.trim().toLowerCase());
  if (known && known.answer) return known.answer;
  const asked = parts(query);
  if (!asked.length) return { found: null, why: () => "", note: "" };
  const answers = asked.map(answerPart);
  const [first, ...others] = answers;
  const total = first.score;
  for (const { score } of others) {
    for (let i = 0; i < total.length; i += 1) total[i] += score[i];
  }
  const found = byScore(total);
  const why = (i) => answers.map((each) => whyOf(each, i)).filter(Boolean).join("; ");
  return { found, why, note: answers.map((each) => each.note).filter(Boolean).join(" ") };
}

// Features with a score, by their scores and then by their numbers, sorted as numbers that hold
// both: many times faster than by comparing features. Scores are whole numbers, halves and shares,
// and fit.
const [FINE, MANY] = [2 ** 16, 2 ** 17];

function byScore(score) {
  const coded = new Float64Array(score.length);
  let count = 0;
  for (let i = 0; i < score.length; i += 1) {
    if (score[i] < Infinity) {
      coded[count] = Math.round(score[i] * FINE) * MANY + i;
      count += 1;
    }
  }
  const sorted = coded.subarray(0, count).sort();
  const found = new Array(count);
  for (let place = 0; place < count; place += 1) found[place] = ((sorted[place] % MANY) + MANY) % MANY;
  return found;
}

// Of every feature the best score, and through which name at which place of its list.
function answerPart({ kind, typed, text }) {
  const entries = kind ? exactly(kind, text) : named(text);
  const { n } = ATLAS.core;
  const hits = { entries, score: new Float64Array(n).fill(Infinity), through: new Int32Array(n).fill(-1), at: new Int32Array(n), note: "" };
  let some = false;
  if ((!kind || kind === "id") && isFeature(text)) {
    hits.score[Number(text)] = -1;
    some = true;
  }
  entries.forEach((entry, place) => {
    visit(entry, (feature, own, at) => {
      const score = 1000 * (entry.rank || 0) + own;
      some = true;
      if (score < hits.score[feature]) {
        hits.score[feature] = score;
        hits.through[feature] = place;
        hits.at[feature] = at;
      }
    });
  });
  if (!some) hits.note = whyNothing(entries, typed);
  return hits;
}

// Features behind a name, in the order in which they should be read.
function visit({ kind, place }, act) {
  const { core, index } = ATLAS;
  if (kind === "id") act(place, 0, 0);
  else if (kind === "type") {
    for (const i of featuresOfTypes()[place]) act(i, 1 - core.share_in_type[i], 0);
  } else {
    const [from, to] = [index[`${kind}_at`][place], index[`${kind}_at`][place + 1]];
    const features = index[`${kind}_feature`];
    const rank = index.gene_rank;
    for (let at = from; at < to; at += 1) {
      const score = kind === "gene" ? (rank[at] % FALLS) + (rank[at] >= FALLS ? 0.5 : 0) : at - from;
      act(features[at], score, at);
    }
  }
}

function whyOf({ entries, through, at }, i) {
  const entry = entries[through[i]];
  if (!entry || entry.kind === "id") return "";
  if (entry.kind === "type") return `${percent(ATLAS.core.share_in_type[i])} in ${typeName(entry.place)}`;
  if (entry.kind === "term") return `${entry.shown}${keptBy(ATLAS.index.term_flags[at[i]])}`;
  const rank = ATLAS.index.gene_rank[at[i]];
  return `${geneName(entry.place)} ${rank >= FALLS ? "falls" : "rises"}, no. ${(rank % FALLS) + 1}`;
}

function keptBy(flags) {
  const direction = flags & 1 ? "" : `, ${directionOf(flags)}`;
  if (flags & 2) return direction;
  return flags & 16 ? `${direction} (within types)` : `${direction} (published filter)`;
}

function exactly(kind, text) {
  const found = named(text, kind);
  const same = found.filter((entry) => entry.rank === 0);
  return same.length ? same : kind === "id" ? [] : found;
}

function whyNothing(entries, typed) {
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
  const ensembl = /^ens[a-z]*g\d+/i.test(typed) && !Object.keys(ATLAS.index.aliases).length
    ? " These data name genes by symbols alone, so search for the symbol." : "";
  return `No gene, gene set, cell type or feature is called \u201c${typed}\u201d.${ensembl}`;
}
