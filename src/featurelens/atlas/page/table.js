// The table of features: only the rows in sight are in the page. One row has the keyboard.

const rows = { all: [], why: () => "", current: 0, body: null, space: null, sheet: null, height: 30, top: 0, sight: 400,
  drawn: "", pool: [], from: 0, to: 0, sort: null };
const NARROW = window.matchMedia("(max-width: 699px)");

// Columns whose largest numbers come first fall.
const COLUMN = {
  feature: { label: "No.", value: (i) => i, text: (i) => String(i), right: true },
  top_type: { value: (i) => ATLAS.core.top_type[i] || 1e6, text: (i) => typeOf(i) || MISSING },
  type: { value: (i) => ATLAS.core.type[i], text: (i) => ATLAS.core.localities[ATLAS.core.type[i]] },
  n_active: { label: "Cells", value: (i) => -ATLAS.core.n_active[i], text: (i) => number(ATLAS.core.n_active[i]), right: true, falls: true },
  genes: { label: "Genes up", value: (i) => firstGenes(i) || "\uffff", text: (i) => firstGenes(i) },
  term: { value: (i) => firstTerm(i) || "\uffff", text: (i) => firstTerm(i) },
  n_terms: { label: "Sets", value: (i) => -ATLAS.core.n_terms[i], text: (i) => number(ATLAS.core.n_terms[i]), right: true, falls: true },
};

const SHOWN = {
  live: ["live features", (i) => ATLAS.core.n_active[i] > 0],
  all: ["all features", () => true],
  annotated: ["with a gene set", (i) => ATLAS.core.n_terms[i] > 0],
  unannotated: ["without a gene set", (i) => ATLAS.core.n_active[i] > 0 && !ATLAS.core.n_terms[i]],
  local: ["local", (i) => ATLAS.core.type[i] === 0],
  regional: ["regional", (i) => ATLAS.core.type[i] === 1],
  global: ["global", (i) => ATLAS.core.type[i] === 2],
  dead: ["dead", (i) => ATLAS.core.n_active[i] === 0],
};

function typeOf(i) {
  const place = ATLAS.core.top_type[i];
  return place ? typeName(place - 1) : "";
}

function firstGenes(i) {
  const wide = ATLAS.core.genes.length / ATLAS.core.n;
  const found = [];
  for (let at = i * wide; at < (i + 1) * wide; at += 1) {
    if (ATLAS.core.genes[at]) found.push(geneName(ATLAS.core.genes[at] - 1));
  }
  return found.join(", ");
}

function firstTerm(i) {
  const place = ATLAS.core.term[i];
  return place ? termName(place - 1) : "";
}

function startTable() {
  for (const name of ATLAS.meta.measures.filter((each) => each === "stability")) {
    COLUMN[name] = { value: (i) => -ATLAS.core[name][i], text: (i) => number(ATLAS.core[name][i], 2), right: true, falls: true };
  }
  const select = byId("show");
  replace(select, Object.entries(SHOWN).map(([name, [label]]) => element("option", { value: name }, label)));
  select.addEventListener("change", () => change({ show: select.value }));
  const heads = Object.entries(COLUMN).map(([name, column]) => element("div",
    { role: "columnheader", class: `cell ${name}${column.right ? " right" : ""}`, "data-sort": name, "aria-sort": "none" },
    button(column.label || word(name).label, () => sortBy(name), { title: word(name).help })));
  rows.sheet = element("div", { class: "sheet", role: "presentation" });
  rows.space = element("div", { class: "space", role: "rowgroup" }, rows.sheet);
  rows.body = element("div", { class: "body", tabindex: "0", role: "grid", "aria-label": "Features",
    "aria-rowcount": "0", "aria-colcount": String(heads.length) },
    element("div", { class: "heads", role: "rowgroup" }, element("div", { class: "row", role: "row", "aria-rowindex": "1" }, heads)),
    rows.space);
  replace(byId("table"), rows.body);
  rows.body.addEventListener("scroll", () => {
    rows.top = rows.body.scrollTop;
    drawRows();
  });
  rows.body.addEventListener("keydown", keyInTable);
  rows.space.addEventListener("pointerover", ({ target }) => {
    if (target.classList.contains("cell")) target.title = target.textContent;
  });
  rows.space.addEventListener("click", (event) => {
    const row = event.target.closest("[data-place]");
    if (!row) return;
    rows.current = Number(row.dataset.place);
    const feature = rows.all[rows.current];
    if (event.shiftKey && state.feature !== null) change({ beside: feature }, { step: true });
    else open(feature);
  });
  new ResizeObserver(() => {
    rows.sight = rows.body.clientHeight;
    drawRows(true);
  }).observe(rows.body);
  byId("list-tsv").addEventListener("click", saveList);
  follow((now, before) => {
    if (now.unknown) setTimeout(() => say(noFeature(now.unknown)));
    const filtered = ["q", "sort", "show"].some((name) => now[name] !== before[name]);
    if (filtered || !rows.drawn) refill();
    else {
      const place = rows.all.indexOf(now.feature);
      if (place >= 0 && now.feature !== before.feature) rows.current = place;
      drawRows(true);
      if (place >= 0 && now.feature !== before.feature) intoView();
    }
  });
}

function sortBy(name) {
  const [old, back] = [state.sort.replace(/^-/, ""), state.sort.startsWith("-")];
  change({ sort: old === name && !back ? `-${name}` : name });
}

// Which features are listed, and in which order.
function refill() {
  if (byId("show").value !== state.show) byId("show").value = state.show;
  const keep = (SHOWN[state.show] || SHOWN.live)[1];
  const { found, why, note } = answer(state.q);
  const sort = state.sort || (found ? "" : "n_active");
  rows.why = why;
  rows.all = found ? order(found, sort).filter(keep) : everyFeature(sort, keep);
  const hidden = found ? found.length - rows.all.length : 0;
  rows.current = Math.max(rows.all.indexOf(state.feature), 0);
  const label = (SHOWN[state.show] || SHOWN.live)[0];
  setText(byId("count"), `${grouped(rows.all.length)} of ${plural(ATLAS.core.n, "feature")}`);
  const more = hidden > 0 ? ` ${plural(hidden, "answer")} not among \u201c${label}\u201d.` : "";
  say(found ? note || `${plural(rows.all.length, "feature")} found.${more}` : "");
  if (sort !== rows.sort) markSorted(sort);
  if (rows.top) rows.body.scrollTop = 0;
  rows.top = 0;
  drawInTurn();
}

function markSorted(sort) {
  rows.sort = sort;
  rows.body.querySelectorAll("[data-sort]").forEach((head) => {
    const by = head.dataset.sort === sort.replace(/^-/, "");
    const falls = Boolean(COLUMN[head.dataset.sort].falls) !== sort.startsWith("-");
    head.setAttribute("aria-sort", by ? (falls ? "descending" : "ascending") : "none");
  });
}

// A key stroke is answered by the first rows; those below follow in turns, each painted before the
// next, so that another stroke comes between. Until they are there the grid says that it is busy.
const FIRST_ROWS = 4;
const ROWS_OF_TURN = 7;
let turn = 0;

function drawInTurn() {
  const isFirst = !rows.drawn;
  layRows();
  turn += 1;
  const own = turn;
  const fill = (from, most) => {
    const to = isFirst ? rows.to : Math.min(from + most, rows.to);
    fillRows(from, to);
    const isBusy = to < rows.to;
    if (isBusy) requestAnimationFrame(() => setTimeout(() => { if (own === turn) fill(to, ROWS_OF_TURN); }));
    else giveRoom();
    setIfNew(rows.body, "aria-busy", isBusy);
  };
  fill(rows.from, FIRST_ROWS);
}

// What an empty box lists is kept until another order or choice is asked for.
let kept = { asked: "", all: [] };

function everyFeature(sort, keep) {
  const asked = `${sort} ${state.show}`;
  if (kept.asked !== asked) kept = { asked, all: order(Array.from({ length: ATLAS.core.n }, (_, i) => i), sort).filter(keep) };
  return kept.all;
}

// Features by a column, in a list of their own.
function order(found, sort) {
  const column = COLUMN[sort.replace(/^-/, "")];
  if (!column) return found;
  const keys = new Array(ATLAS.core.n);
  for (const i of found) {
    const key = column.value(i);
    keys[i] = Number.isNaN(key) ? Infinity : key;
  }
  const sign = sort.startsWith("-") ? -1 : 1;
  return [...found].sort((a, b) => (keys[a] < keys[b] ? -sign : keys[a] > keys[b] ? sign : a - b));
}

function drawRows(always = false) {
  const before = rows.drawn;
  layRows();
  if (!always && rows.drawn === before) return;
  turn += 1;
  giveRoom();
  fillRows(rows.from, rows.to);
  setIfNew(rows.body, "aria-busy", false);
}

// As high as all rows together, so that the table scrolls. Its bar is laid out anew, which is why
// the first rows do not wait for it.
function giveRoom() {
  const height = `${rows.all.length * rows.height}px`;
  if (rows.space.style.height !== height) rows.space.style.height = height;
}

// Which rows are in sight, and elements for them.
function layRows() {
  const { body, sheet, all, top, sight } = rows;
  rows.height = NARROW.matches ? 64 : 30;
  const from = Math.max(0, Math.floor(top / rows.height) - 4);
  const to = Math.min(all.length, Math.ceil((top + sight) / rows.height) + 4);
  Object.assign(rows, { from, to, drawn: `${from}-${to}` });
  const moved = `translateY(${from * rows.height}px)`;
  if (sheet.style.transform !== moved) sheet.style.transform = moved;
  while (rows.pool.length < to - from) rows.pool.push(emptyRow());
  while (sheet.children.length > to - from) sheet.lastChild.remove();
  setIfNew(body, "aria-rowcount", all.length + 1);
  if (all.length && rows.current >= from && rows.current < to) {
    setIfNew(body, "aria-activedescendant", `row-${rows.current}`);
  } else body.removeAttribute("aria-activedescendant");
}

function fillRows(from, to) {
  for (let place = from; place < to; place += 1) {
    const row = rows.pool[place - rows.from];
    fillRow(row, place);
    if (row.node.parentNode !== rows.sheet) rows.sheet.append(row.node);
  }
}

// Rows are made once and filled again: a key stroke changes texts, not elements. What they hold is
// remembered here, because to ask the page costs as much as to change it.
function emptyRow() {
  const columns = Object.entries(COLUMN);
  const texts = columns.map(() => document.createTextNode(""));
  const cells = columns.map(([name, column], at) => element("div",
    { role: "gridcell", class: `cell ${name}${column.right ? " right" : ""}` }, texts[at]));
  return { node: element("div", { role: "row" }, cells), columns, texts, held: columns.map(() => ""), given: {} };
}

function fillRow({ node, columns, texts, held, given }, place) {
  const feature = rows.all[place];
  const why = rows.why(feature);
  const marks = `row${feature === state.feature ? " chosen" : ""}${feature === state.beside ? " beside" : ""}`
    + `${place === rows.current ? " current" : ""}`;
  const wanted = { id: `row-${place}`, class: marks, "data-place": place, "aria-rowindex": place + 2,
    "aria-selected": feature === state.feature };
  for (const name in wanted) {
    if (given[name] !== wanted[name]) node.setAttribute(name, String(given[name] = wanted[name]));
  }
  for (let at = 0; at < columns.length; at += 1) {
    const [name, column] = columns[at];
    const text = name === "term" && why ? why : column.text(feature);
    if (held[at] !== text) texts[at].data = held[at] = text;
  }
}

function focusTable() {
  if (rows.all.length) rows.body.focus();
}

function intoView() {
  giveRoom();
  const top = rows.current * rows.height;
  const sight = rows.body.clientHeight - 2 * rows.height;
  if (top < rows.top) rows.body.scrollTop = top;
  else if (top > rows.top + sight) rows.body.scrollTop = top - sight;
  rows.top = rows.body.scrollTop;
}

function keyInTable(event) {
  if (event.target !== rows.body) return;
  const page = Math.max(1, Math.floor(rows.body.clientHeight / rows.height) - 2);
  const last = rows.all.length - 1;
  const to = { ArrowDown: rows.current + 1, ArrowUp: rows.current - 1, PageDown: rows.current + page,
    PageUp: rows.current - page, Home: 0, End: last }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    rows.current = Math.min(Math.max(to, 0), Math.max(last, 0));
    intoView();
    drawRows(true);
  } else if (event.key === "Enter" && rows.all.length) {
    event.preventDefault();
    const feature = rows.all[rows.current];
    if (event.shiftKey && state.feature !== null) change({ beside: feature }, { step: true });
    else open(feature);
    byId("detail").focus({ preventScroll: false });
  } else if (event.key === "Escape") byId("query").focus();
}
