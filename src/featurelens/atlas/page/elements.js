// Elements of the page. What comes from data is set as text, never as markup.

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function replace(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

// A sentence for everybody: it is shown, and read aloud.
function say(text) {
  setText(byId("said"), text);
}

// Words of the dictionary: label, unit and how to read a number.
function word(name) {
  return ATLAS.meta.words[name] || { label: name, unit: "", help: "" };
}

function heading(name, isText = false) {
  const known = word(name);
  return element("th", { scope: "col", title: known.help, class: isText ? "" : "right" }, known.label);
}

// What the numbers of a part mean, folded away until somebody asks.
function reading(names) {
  const rows = names.map((name) => {
    const { label, unit, help } = word(name);
    return [element("dt", {}, unit ? `${label} (${unit})` : label), element("dd", {}, help)];
  });
  return element("details", { class: "reading" },
    element("summary", {}, "How to read this"), element("dl", {}, rows));
}

// Setting what is set already would lay out the page again. An element of text has one node of it.
function setText(node, text) {
  if (!node.firstChild) node.append(text);
  else if (node.firstChild.data !== text) node.firstChild.data = text;
}

function setIfNew(node, name, value) {
  if (node.getAttribute(name) !== String(value)) node.setAttribute(name, String(value));
}

// A name that may be broken where its parts meet: behind strokes, dots and underscores.
function breakable(name) {
  return name.split(/(?<=[/_])|(?<=\.)(?=[a-z])/i).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));
}

function caption(text) {
  return element("caption", {}, element("span", {}, text));
}

function button(text, act, attributes = {}) {
  return element("button", { type: "button", onclick: act, ...attributes }, text);
}

function plural(count, one, many = `${one}s`) {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}
