// A setting as the end of an address, `#width=8&target.name=sine`, so that it can be shared; and back.

/** @typedef {import("../descent/setting.js").Setting} Setting */
/** @typedef {import("../descent/setting.js").TableData} TableData */

const SELDOM = ["drawn", "dtype", "table"];
const KEY = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/;
export const DAMAGED = "The address of this page is damaged: what it says of the setting cannot be read.";

/**
 * What of a setting is not as usual, as the end of an address.
 * @param {Setting} setting What is played.
 * @param {Setting} usual The setting of an address that says nothing.
 * @returns {string} Begins with `#`; empty where nothing differs.
 */
export function addressOf(setting, usual) {
  const pairs = Object.entries(setting)
    .filter(([name, value]) => !same(value, Object.entries(usual).find(([other]) => other === name)?.[1]))
    .flatMap(([name, value]) => leaves(name, value));
  return pairs.length ? `#${pairs.map(([path, text]) => `${path}=${encodeURIComponent(text)}`).join("&")}` : "";
}

/**
 * The setting that an address holds.
 * @param {string} hash Its end, with `#`.
 * @param {Setting} usual What it says nothing of is as here.
 * @param {TableData[]} [tables] Those of the page.
 * @returns {{setting: Setting, sentence: string}} The sentence says what is wrong; empty where nothing is.
 */
export function settingFrom(hash, usual, tables = []) {
  /** @type {Record<string, any>} */
  const read = {}, known = [...Object.keys(usual), ...SELDOM];
  for (const pair of hash.replace(/^#/, "").split("&").filter(Boolean)) {
    const [path, ...rest] = pair.split("="), text = decoded(rest.join("="));
    const names = path.split(".");
    if (!text && path !== "drawn") return { setting: usual, sentence: DAMAGED };
    if (text === null || !KEY.test(path) || !known.includes(names[0]) || !put(read, names, valueOf(names[0], text))) {
      return { setting: usual, sentence: DAMAGED };
    }
  }
  const { table, ...setting } = read;
  if (table === undefined) return { setting: { ...usual, ...setting }, sentence: "" };
  const data = tables.find((one) => one.number === table);
  return data ? { setting: { ...usual, ...setting, data }, sentence: "" } : { setting: usual, sentence: DAMAGED };
}

/**
 * @param {string} name
 * @param {any} value
 * @returns {[string, string][]}
 */
function leaves(name, value) {
  if (value === undefined) return [];
  if (name === "data") return [["table", String(value.number)]];
  if (name === "drawn") return [[name, value.map((/** @type {number[]} */ point) => point.join(",")).join(";")]];
  if (value !== null && typeof value === "object" && Object.keys(value).length) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(`${name}.${key}`, inner));
  }
  return [[name, value !== null && typeof value === "object" ? "{}" : String(value)]];
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
function valueOf(name, text) {
  if (name === "drawn") return text ? text.split(";").map((point) => point.split(",").map(Number)) : [];
  if (text === "{}") return {};
  if (text === "null") return null;
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/**
 * Put a value where a path of names leads; nothing is put into a number, and nothing twice.
 * @param {Record<string, any>} into
 * @param {string[]} names
 * @param {unknown} value
 * @returns {boolean} Whether it could be put there.
 */
function put(into, [name, ...rest], value) {
  if (rest.length === 0) {
    if (Object.hasOwn(into, name)) return false;
    into[name] = value;
    return true;
  }
  if (!Object.hasOwn(into, name)) into[name] = {};
  const inner = into[name];
  return inner !== null && typeof inner === "object" && !Array.isArray(inner) && put(inner, rest, value);
}

/**
 * @param {unknown} one
 * @param {unknown} other
 */
function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
