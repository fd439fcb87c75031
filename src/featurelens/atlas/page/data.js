// Data: what is always there, and records of features that are loaded when they are needed.
// A pack holds columns of numbers, little-endian, in one text of base64.

const SCHEMA = 1;
const KEPT_CHUNKS = 8;
const COLUMN_OF = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

const ATLAS = { put: (name, content) => { arrived(name, content); } };
window.ATLAS = ATLAS;

const waiting = new Map();
const chunksKept = new Map();

function arrived(name, content) {
  const asked = waiting.get(name);
  if (asked) asked(content);
  else ATLAS[name] = content;
}

function fromBase64(coded) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(coded);
  const text = atob(coded);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function unpacked(pack) {
  const bytes = fromBase64(pack.bytes);
  const found = { ...pack, bytes: null };
  for (const [name, [kind, at, length]] of Object.entries(pack.columns)) {
    found[name] = new COLUMN_OF[kind](bytes.buffer, at, length);
  }
  return found;
}

// In the single file data lie in blocks of the page itself.
function block(name) {
  const found = byId(`data-${name}`);
  return found ? JSON.parse(found.textContent) : undefined;
}

function openAlways() {
  for (const name of ["meta", "core", "cells", "index", "extras"]) {
    ATLAS[name] = ATLAS[name] || block(name);
    if (!ATLAS[name]) {
      throw new Error(`data/${name}.js is missing. Unpack or copy the whole folder, not this file alone; `
        + "atlas.html beside it is one file.");
    }
    if (ATLAS[name].columns) ATLAS[name] = unpacked(ATLAS[name]);
  }
  if (ATLAS.meta.schema !== SCHEMA) {
    throw new Error("These data belong to another version of the page; make the atlas again.");
  }
}

function chunkOf(name) {
  const inside = block(name);
  if (inside) return Promise.resolve(inside);
  return new Promise((resolve, reject) => {
    const script = element("script", { src: `data/${name}.js` });
    waiting.set(name, resolve);
    script.addEventListener("load", () => script.remove());
    script.addEventListener("error", () => {
      waiting.delete(name);
      reject(new Error(`data/${name}.js is missing. Unpack or copy the whole folder.`));
    });
    document.head.append(script);
  });
}

// All that is known of a feature, by its number.
async function recordOf(feature) {
  const place = Math.floor(feature / ATLAS.meta.per_chunk);
  const name = `c${String(place).padStart(3, "0")}`;
  if (!chunksKept.has(name)) {
    if (chunksKept.size >= KEPT_CHUNKS) chunksKept.delete(chunksKept.keys().next().value);
    chunksKept.set(name, chunkOf(name).then(unpacked));
    chunksKept.get(name).catch(() => chunksKept.delete(name));
  }
  const chunk = await chunksKept.get(name);
  waiting.delete(name);
  return inChunk(chunk, feature - chunk.start, feature);
}

function inChunk(chunk, own, feature) {
  const part = (name, at) => chunk[name].subarray(chunk[at][own], chunk[at][own + 1]);
  const wide = (name, width) => chunk[name].subarray(own * width, (own + 1) * width);
  const near = chunk.near.length / chunk.n;
  const record = { feature, whyNoType: chunk.why_no_type[own] };
  record.cells = fromGaps(part("cell", "cell_at"));
  record.steps = part("step", "step_at");
  for (const name of Object.keys(chunk.columns)) {
    const kind = name.split("_")[0];
    if (name.endsWith("_at") || kind === "cell" || kind === "step") continue;
    if (kind === "gene" || kind === "term") record[name] = part(name, `${kind}_at`);
    if (kind === "type") record[name] = wide(name, ATLAS.cells.types.length);
    if (kind === "near") record[name] = wide(name, near);
  }
  return record;
}

function fromGaps(bytes) {
  const numbers = [];
  let last = 0, step = 0, shift = 0;
  for (const byte of bytes) {
    step += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte < 128) {
      last += step;
      numbers.push(last);
      step = 0;
      shift = 0;
    }
  }
  return numbers;
}

// Names, from their place plus one; 0 is none.
const geneName = (place) => ATLAS.index.genes[place];
const termName = (place) => ATLAS.index.terms[place];
const typeName = (place) => ATLAS.cells.types[place];

function featureName(feature) {
  const names = ATLAS.core.names;
  return names ? `${feature} (${names[feature]})` : String(feature);
}
