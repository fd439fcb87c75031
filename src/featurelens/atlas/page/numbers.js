// Numbers as text: three digits, and never a blank where one is missing.

const MISSING = "\u2013";
// Of whole numbers. The browser's own formats take as long as a search.
const grouped = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

function number(value, digits = 3) {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : "\u2212\u221e";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-3
    ? value.toExponential(digits - 1)
    : Number.isInteger(value) ? grouped(value) : shortest(value, digits);
  return text.replace("-", "\u2212");
}

function shortest(value, digits) {
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 4));
}

function percent(share) {
  if (share === null || share === undefined || Number.isNaN(share)) return MISSING;
  const value = 100 * share;
  if (value > 99 && value < 100) return `${(Math.floor(10 * value) / 10).toFixed(1)} %`; // not quite all
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toPrecision(2)} %`;
}

// From -log10 of p or q, which keeps the digits of the smallest.
function fromLog(minus) {
  if (Number.isNaN(minus)) return MISSING;
  if (minus === Infinity) return "< 1e\u2212300";
  if (minus < 3) return number(10 ** -minus, 2);
  const exponent = Math.floor(-minus);
  const mantissa = 10 ** (-minus - exponent);
  const text = mantissa.toFixed(1);
  return text === "10.0"
    ? `1.0e\u2212${-exponent - 1}`
    : `${text}e\u2212${-exponent}`;
}

// For tables that a program reads: every digit, an empty field where there is none.
function plainNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
}

function plainLog(minus) {
  if (Number.isNaN(minus)) return "";
  return minus === Infinity ? "0" : minus < 300 ? plainNumber(10 ** -minus) : `1e-${minus}`;
}
