// What a reader has chosen, as the end of an address (`#trial=...&step=...`), so that it can be shared and gone back to.

/** @typedef {Record<string, [number, number]>} Bounds  Least and greatest value of each bounded column. */
/**
 * @typedef {object} Address
 * @property {string} trial Id of a trial, or its beginning; empty where none is named.
 * @property {number | null} step Recorded step; null is the last one.
 * @property {string} shown What the map shows; empty for what it shows at first.
 * @property {string} curve What is drawn over the steps, likewise.
 * @property {Bounds} bounds
 * @property {string[]} faults What could not be read, a sentence each.
 */

const KNOWN = ["trial", "step", "map", "curve", "only"];

/**
 * Whether the end of an address is that of a place on the page, and of no choice.
 * @param {string} hash
 * @returns {boolean}
 */
export function namesPlace(hash) {
  const words = hash.replace(/^#/, "");
  return words !== "" && !words.includes("=") && !KNOWN.includes(words);
}

/**
 * The choice that an address names; `?trial=` is read where `#` names no trial.
 * @param {string} hash With or without `#`.
 * @param {string} [search] With or without `?`.
 * @returns {Address}
 */
export function readAddress(hash, search = "") {
  const words = hash.replace(/^#/, "");
  const parts = new URLSearchParams(namesPlace(hash) ? "" : words);
  const named = parts.get("trial") ?? new URLSearchParams(search).get("trial") ?? "";
  /** @type {string[]} */
  const faults = [...new Set(parts.keys())].filter((key) => !KNOWN.includes(key)).map((key) => unknown(key));
  const trial = /^[0-9a-f]*$/.test(named) ? named : (faults.push(`The address names no trial: ${quoted(named)}.`), "");
  return {
    trial,
    step: readStep(parts.get("step"), faults),
    shown: parts.get("map") ?? "",
    curve: parts.get("curve") ?? "",
    bounds: readBounds(parts.getAll("only"), faults),
    faults,
  };
}

/**
 * The end of the address of a choice.
 * @param {{trial: string, step: number | null, shown: string, curve: string, bounds: Bounds}} choice
 * @returns {string} Begins with `#`.
 */
export function writeAddress({ trial, step, shown, curve, bounds }) {
  const parts = new URLSearchParams();
  if (trial) parts.set("trial", trial);
  if (step !== null) parts.set("step", String(step));
  if (shown) parts.set("map", shown);
  if (curve) parts.set("curve", curve);
  for (const [column, [least, greatest]] of Object.entries(bounds))
    parts.append("only", `${column}:${least}..${greatest}`);
  return `#${parts}`;
}

/** @param {string} key */
const unknown = (key) => `The address has a word that this page does not know: ${quoted(key)}.`;

/** @param {string} text */
const quoted = (text) => `“${text.length > 40 ? `${text.slice(0, 40)}…` : text}”`;

/**
 * @param {string | null} text
 * @param {string[]} faults
 * @returns {number | null}
 */
function readStep(text, faults) {
  if (text === null || /^\d{1,15}$/.test(text)) return text === null ? null : Number(text);
  faults.push(`The address names no step: ${quoted(text)}.`);
  return null;
}

/**
 * @param {string[]} texts
 * @param {string[]} faults
 * @returns {Bounds}
 */
function readBounds(texts, faults) {
  /** @type {[string, [number, number]][]} */
  const bounds = [];
  for (const text of texts) {
    const [column, ends] = split(text, ":"),
      [least, greatest] = split(ends, "..").map(readNumber);
    if (column && least <= greatest) bounds.push([column, [least, greatest]]);
    else faults.push(`The address names no range of values: ${quoted(text)}.`);
  }
  return Object.fromEntries(bounds);
}

/**
 * @param {string} text
 * @param {string} mark
 */
function split(text, mark) {
  const place = text.lastIndexOf(mark);
  return place < 0 ? [text, ""] : [text.slice(0, place), text.slice(place + mark.length)];
}

/** @param {string} text */
const readNumber = (text) => (text.trim() === "" ? NaN : Number(text));
