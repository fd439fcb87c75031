// What is shown, as one object that the address says after its #: it can be sent, and gone back to.

const DEFAULTS = { feature: null, beside: null, q: "", sort: "", layout: "", colour: "type", show: "live", unknown: "" };
const KEYS = { beside: "with", q: "q", sort: "sort", layout: "map", colour: "colour", show: "show" };

let state = { ...DEFAULTS };
const followers = [];

function follow(act) {
  followers.push(act);
}

function fragment(of = state) {
  const query = new URLSearchParams();
  for (const [name, key] of Object.entries(KEYS)) {
    if (of[name] !== DEFAULTS[name] && of[name] !== "" && of[name] !== null) query.set(key, of[name]);
  }
  const path = of.feature === null ? "#/" : `#/f/${of.feature}`;
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const given = new URLSearchParams(query);
  const found = { ...DEFAULTS };
  for (const [name, key] of Object.entries(KEYS)) {
    if (given.has(key)) found[name] = given.get(key);
  }
  const named = /^f\/(.+)$/.exec(path);
  found.feature = named ? featureNumber(named[1]) : null;
  found.beside = found.beside === null ? null : featureNumber(found.beside);
  if (named && found.feature === null) found.unknown = named[1];
  return found;
}

function featureNumber(text) {
  const value = Number(text);
  return /^\d+$/.test(text) && value < ATLAS.meta.n_features ? value : null;
}

function noFeature(text) {
  return `There is no feature ${text}: features are numbered from 0 to ${ATLAS.meta.n_features - 1}.`;
}

// Opening a feature is a step that one can go back from; typing is not.
function change(some, { step = false } = {}) {
  const before = state;
  if (step) sayAddress();
  state = { ...state, unknown: "", ...some };
  if (step && fragment() !== window.location.hash) window.history.pushState(null, "", fragment());
  else {
    clearTimeout(waitingToSay);
    waitingToSay = setTimeout(sayAddress, SILENCE);
  }
  followers.forEach((act) => act(state, before));
}

// Browsers refuse many changes of the address in a short time, and each takes as long as a key
// stroke, so it follows when typing ends, or when the box is left.
const SILENCE = 800; // milliseconds
let waitingToSay = 0;

function sayAddress() {
  clearTimeout(waitingToSay);
  if (fragment() !== window.location.hash) window.history.replaceState(null, "", fragment());
}

function readAddress() {
  clearTimeout(waitingToSay);
  if (window.location.hash === fragment()) return;
  const before = state;
  state = parsed(window.location.hash);
  followers.forEach((act) => act(state, before));
}

function open(feature) {
  say("");
  change({ feature, beside: state.beside === feature ? null : state.beside }, { step: true });
}
