// All sources of features of a run side by side, and a gene, gene set or cell type over all of them.

const ATLAS = {};

const head = (name, text) => {
  const { label, help } = word(name);
  return element("th", { scope: "col", class: name === "verdict" ? "" : "right", title: help }, text || label);
};

function table(title, heads, lines) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
    element("table", {}, caption(title),
      element("thead", {}, element("tr", {}, heads)), element("tbody", {}, lines)));
}

const right = (text) => element("td", { class: "right" }, text);
const left = (text) => element("td", {}, text);
const page = (source, rest = "") => element("a", { href: `${source.page}${rest}` }, breakable(source.name));

function sources() {
  const nulls = ["share", "share_complete", "share_beyond_type", "share_singly"];
  const lines = ATLAS.meta.sources.map((source) => {
    const row = (convention) => source.shares.find((each) => each.contrast === "global"
      && each.convention === convention && each.filter !== "kept_published_05") || {};
    return element("tr", {}, element("th", { scope: "row" }, page(source)),
      right(`${number(source.n_live)} of ${number(source.n_features)}`),
      nulls.map((name) => right(percent(row("corrected")[name]))), left(row("corrected").verdict || MISSING),
      right(percent(row("published").share)), right(percent(row("published").share_complete)));
  });
  replace(byId("sources"), element("h2", {}, "Sources of features"),
    element("p", {}, "An SAE adds something where its features carry gene sets that shuffled cells and the controls below do not give."),
    table("Share of live features with a gene set, corrected unless it says published", [
      element("th", { scope: "col" }, "source"), element("th", { scope: "col", class: "right" }, "live features"),
      ...nulls.map((name) => head(name)), head("verdict"),
      head("share", "published, as in the figures"), head("share_complete", "published, cells shuffled")], lines),
    reading([...nulls, "verdict"]), element("p", { class: "quiet" }, `featurelens ${ATLAS.meta.version}, run ${ATLAS.meta.run}.`));
}

function compare(text) {
  const wanted = text.trim().toLowerCase();
  byId("answers").hidden = !wanted;
  if (!wanted) return;
  const quoted = (name) => encodeURIComponent(`"${name.replaceAll('"', "")}"`);
  const lines = [];
  for (const source of ATLAS.meta.sources) {
    for (const [kind, names] of [["gene", source.genes], ["term", source.terms], ["type", source.types]]) {
      for (const [name, value] of Object.entries(names)) {
        if (!name.toLowerCase().includes(wanted)) continue;
        const features = Array.isArray(value) ? value : null;
        const first = () => (features || []).slice(0, 6).map((feature, place) => [place ? ", " : "",
          element("a", { href: `${source.page}#/f/${feature}` }, String(feature))]);
        lines.push([name, () => element("tr", {}, element("th", { scope: "row" }, breakable(name)), left({ gene: "gene", term: "gene set", type: "cell type" }[kind]),
          left(page(source, `#/?q=${kind}:${quoted(name)}`)), right(number(features ? features.length : value)),
          right(percent((features ? features.length : value) / Math.max(source.n_live, 1))), left(first()))]);
      }
    }
  }
  const rank = (name) => (name.toLowerCase() === wanted ? 0 : name.toLowerCase().startsWith(wanted) ? 1 : 2);
  lines.sort((a, b) => rank(a[0]) - rank(b[0]) || (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  byId("said").textContent = lines.length ? plural(lines.length, "answer") : `No source has a feature for \u201c${text}\u201d.`;
  replace(byId("answers"), element("h2", {}, "Over all sources"),
    table("Live features that have a gene among the three that rise most, carry a gene set (corrected, rising) or are named for a cell type", [
      element("th", { scope: "col" }, "name"), element("th", { scope: "col" }, "kind"), element("th", { scope: "col" }, "source"),
      element("th", { scope: "col", class: "right" }, "features"), element("th", { scope: "col", class: "right" }, "of live"),
      element("th", { scope: "col" }, "first features")], lines.slice(0, 300).map((each) => each[1]())));
}

document.addEventListener("DOMContentLoaded", () => {
  ATLAS.meta = JSON.parse(byId("data-overview").textContent);
  document.documentElement.dataset.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  byId("title").textContent = `Atlas of run ${ATLAS.meta.run}`;
  document.title = `Atlas of run ${ATLAS.meta.run}`;
  const names = new Set(ATLAS.meta.sources.flatMap((source) => [...Object.keys(source.genes), ...Object.keys(source.terms), ...Object.keys(source.types)]));
  replace(byId("terms"), [...names].sort().map((name) => element("option", { value: name })));
  const given = new URLSearchParams(window.location.hash.replace(/^#\/?\??/, "")).get("q");
  byId("term").addEventListener("input", (event) => {
    compare(event.target.value);
    window.history.replaceState(null, "", `#/?q=${encodeURIComponent(event.target.value)}`);
  });
  sources();
  if (given) {
    byId("term").value = given;
    compare(given);
  }
  document.documentElement.dataset.ready = "true";
});
