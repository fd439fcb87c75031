// The search box: suggestions while typing, chosen with the arrow keys or the pointer.

const box = { input: null, list: null, shown: [], active: -1 };

function startBox() {
  box.input = byId("query");
  box.list = byId("suggestions");
  box.input.addEventListener("input", () => {
    change({ q: box.input.value, sort: "" });
    suggest();
  });
  box.input.addEventListener("keydown", keyInBox);
  box.input.addEventListener("blur", () => setTimeout(closeSuggestions, 150));
  follow(() => {
    if (box.input.value !== state.q) box.input.value = state.q;
  });
}

function suggest() {
  const before = box.input.value.replace(/(\w+):("[^"]*"?|\S+)/g, " ");
  box.shown = suggestions(before);
  box.active = -1;
  while (box.list.children.length > box.shown.length) box.list.lastChild.remove();
  while (box.list.children.length < box.shown.length) box.list.append(emptySuggestion(box.list.children.length));
  box.shown.forEach((entry, place) => {
    const row = box.list.children[place];
    const texts = [KIND_LABELS[entry.kind], entry.shown, entry.kind === "id" ? "" : plural(sizeOf(entry), "feature")];
    texts.forEach((text, at) => {
      const words = row.children[at].firstChild;
      if (words.data !== text) words.data = text;
    });
    setIfNew(row, "aria-selected", "false");
  });
  const visible = box.shown.length > 0;
  box.list.hidden = !visible;
  box.input.setAttribute("aria-expanded", String(visible));
  box.input.removeAttribute("aria-activedescendant");
}

// Suggestions are filled again, as rows of the table are.
function emptySuggestion(place) {
  const words = (kind) => element("span", { class: kind }, "");
  return element("li", { id: `suggestion-${place}`, role: "option", "aria-selected": "false",
    onmousedown: (event) => { event.preventDefault(); choose(box.shown[place]); } },
  words("kind"), words("shown"), words("quiet"));
}

function closeSuggestions() {
  box.list.hidden = true;
  box.active = -1;
  box.input.setAttribute("aria-expanded", "false");
  box.input.removeAttribute("aria-activedescendant");
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
  if (step && box.shown.length && !box.list.hidden) {
    event.preventDefault();
    const count = box.shown.length;
    box.active = box.active < 0 ? (step > 0 ? 0 : count - 1) : (box.active + step + count) % count;
    [...box.list.children].forEach((row, place) => {
      row.setAttribute("aria-selected", String(place === box.active));
      if (place === box.active) row.scrollIntoView({ block: "nearest" });
    });
    box.input.setAttribute("aria-activedescendant", `suggestion-${box.active}`);
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
    if (box.list.hidden) change({ q: "", sort: "" });
    closeSuggestions();
  }
}
