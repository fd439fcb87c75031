// The search box: suggestions while typing, chosen with the arrow keys or the pointer.

const MOST_SUGGESTIONS = 8;
const box = { input: null, list: null, shown: [], active: -1, isOpen: false };

function startBox() {
  box.input = byId("query");
  box.list = byId("suggestions");
  replace(box.list, Array.from({ length: MOST_SUGGESTIONS }, (_, place) => emptySuggestion(place)));
  box.input.addEventListener("input", () => {
    change({ q: box.input.value, sort: "" });
    suggest();
  });
  box.input.addEventListener("keydown", keyInBox);
  box.input.addEventListener("blur", () => {
    sayAddress();
    setTimeout(closeSuggestions, 150);
  });
  follow(() => {
    if (box.input.value !== state.q) box.input.value = state.q;
  });
}

function suggest() {
  const before = box.input.value.replace(/(\w+):("[^"]*"?|\S+)/g, " ");
  box.shown = suggestions(before, MOST_SUGGESTIONS);
  // A list that closes stays as it is: to take its rows away and lay them out again costs most.
  if (box.shown.length) fillSuggestions(box.shown);
  markSuggestion(-1);
  openSuggestions(box.shown.length > 0);
}

function fillSuggestions(shown) {
  [...box.list.children].forEach((row, place) => fillSuggestion(row, shown[place]));
}

// Rows of suggestions are made once and filled again, as those of the table are.
function fillSuggestion(row, entry) {
  setIfNew(row, "class", entry ? "" : "spare");
  if (!entry) return;
  const texts = [KIND_LABELS[entry.kind], entry.shown, entry.kind === "id" ? "" : plural(sizeOf(entry), "feature")];
  texts.forEach((text, at) => setText(row.children[at], text));
}

function markSuggestion(place) {
  if (place === box.active) return;
  box.active = place;
  [...box.list.children].forEach((row, at) => setIfNew(row, "aria-selected", String(at === place)));
  if (place < 0) box.input.removeAttribute("aria-activedescendant");
  else box.input.setAttribute("aria-activedescendant", `suggestion-${place}`);
}

// The list is laid out and painted at all times, and only moved out of sight: to show it anew takes
// longer than to fill it.
function openSuggestions(isOpen) {
  if (box.isOpen === isOpen) return;
  box.isOpen = isOpen;
  box.list.className = isOpen ? "open" : "";
  box.list.setAttribute("aria-hidden", String(!isOpen));
  box.input.setAttribute("aria-expanded", String(isOpen));
}

function emptySuggestion(place) {
  const words = (kind) => element("span", { class: kind }, "");
  return element("li", { id: `suggestion-${place}`, role: "option", "aria-selected": "false", class: "spare",
    onpointerover: ({ currentTarget }) => { currentTarget.title = box.shown[place].shown; },
    onmousedown: (event) => { event.preventDefault(); choose(box.shown[place]); } },
  words("kind"), words("shown"), words("quiet"));
}

function closeSuggestions() {
  markSuggestion(-1);
  openSuggestions(false);
}

function choose(entry) {
  closeSuggestions();
  if (entry.kind === "id") {
    open(entry.place);
    return;
  }
  const kept = [...box.input.value.matchAll(/(\w+):("[^"]*"?|\S+)/g)]
    .filter(([, kind]) => KINDS.includes(kind)).map(([whole]) => whole);
  const name = { gene: geneName, term: termName, type: typeName }[entry.kind](entry.place);
  change({ q: [...kept, written(entry.kind, name)].join(" "), sort: "" }, { step: true });
  box.input.focus();
}

function keyInBox(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && box.isOpen) {
    event.preventDefault();
    const count = box.shown.length;
    markSuggestion(box.active < 0 ? (step > 0 ? 0 : count - 1) : (box.active + step + count) % count);
    box.list.children[box.active].scrollIntoView({ block: "nearest" });
  } else if (event.key === "ArrowDown") {
    event.preventDefault();
    focusTable();
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (box.active >= 0) choose(box.shown[box.active]);
    else {
      closeSuggestions();
      focusTable();
    }
  } else if (event.key === "Escape") {
    if (!box.isOpen) change({ q: "", sort: "" });
    closeSuggestions();
  }
}
