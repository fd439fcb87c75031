// Begin when the page and its data are there; what is wrong is said instead of a blank page.

function about() {
  const { meta } = ATLAS;
  const names = { explained_variance: "explained variance", n_live: "live features", share_dead: "dead", features_per_cell: "features per cell" };
  const known = Object.entries(names).filter(([name]) => meta.health[name] !== undefined).map(([name, label]) => {
    const value = meta.health[name];
    return element("div", { class: "fact" }, element("dt", {}, label),
      element("dd", {}, name === "share_dead" || name === "explained_variance" ? percent(value) : number(value)));
  });
  const missing = Object.values(meta.lacking);
  replace(byId("about"),
    element("h2", { id: "about-title" }, "About these features"),
    known.length ? element("dl", { class: "facts" }, known) : null,
    meta.health.attention ? element("p", {}, meta.health.attention) : null,
    sharesOf(),
    missing.length ? [element("h3", {}, "What this run lacks"), element("ul", {}, missing.map((text) => element("li", {}, text)))] : null,
    element("p", { class: "quiet" }, `featurelens ${meta.version}, run ${meta.run}, ${meta.name}. `
      + "Published: the author's computation (docs/letter.md of featurelens: how far). Corrected: what a statistician would sign. "
      + "Numbers have seven digits in the downloads."));
}

function keys(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId("query").focus();
    byId("query").select();
  } else if (event.key === "Escape" && byId("detail").contains(document.activeElement)) focusTable();
}

function start() {
  try {
    openAlways();
  } catch (error) {
    replace(document.querySelector("main"), element("p", { class: "wrong", role: "alert" }, error.message));
    return;
  }
  const { meta } = ATLAS;
  replace(byId("title"), breakable(`Atlas of ${meta.name}`));
  byId("subtitle").textContent = `${plural(meta.n_features, "feature")}, ${plural(meta.n_cells, "cell")}, ${plural(meta.n_genes, "gene")}; run ${meta.run}`;
  if (meta.overview && !block("meta")) {
    byId("overview").hidden = false;
    byId("overview").setAttribute("href", meta.overview);
  }
  startBox();
  startTable();
  startFeatureMap();
  startCellMap();
  startDetail();
  about();
  byId("skip").addEventListener("click", focusTable);
  byId("copy-link").addEventListener("click", () => { sayAddress(); copy(window.location.href, "Link copied."); });
  window.addEventListener("keydown", keys);
  window.addEventListener("hashchange", readAddress);
  window.addEventListener("popstate", readAddress);
  state = parsed(window.location.hash);
  startTheme();
  document.documentElement.dataset.ready = "true";
  setTimeout(prepare, 50);
}

document.addEventListener("DOMContentLoaded", start);
