// What the trials of a run differ in, as axes beside each other, and those between bounds on all of them.
//
// Shape letters: T trials.

import { valueWords } from "./value_words.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./address.js").Bounds} Bounds */
/**
 * @typedef {object} TrialAxis
 * @property {string} name As an address has it.
 * @property {string} label
 * @property {"words" | "log" | "linear"} kind
 * @property {string[]} words Of values that are places among words.
 * @property {(value: number) => string} text A value in words.
 * @property {Float64Array} values [T], NaN where a trial has none, infinite where it diverged.
 * @property {number} lowest The least value that a trial has.
 * @property {number} least The lower end of the axis, above 0 on a logarithmic one.
 * @property {number} greatest
 */

const MOST_DIAGNOSTICS = 5;

/**
 * The axes along which trials differ, choices first, then what was measured.
 * @param {Sweep} sweep
 * @returns {TrialAxis[]}
 */
export function axesOf(sweep) {
  const { data, cells, trials, last, rateNames } = sweep;
  const ofCell = (
    /** @type {import("./decoding.js").Numbers} */ column,
    /** @type {(place: number) => number} */ value,
  ) => Float64Array.from(trials.cell, (cell) => value(column[cell]));
  const same = (/** @type {number} */ place) => place;
  const kinds = ordered(data, last);
  const all = [
    wordsAxis(
      "problem",
      "problem",
      data.problems.map(({ label }) => label),
      ofCell(cells.problem, same),
    ),
    wordsAxis(
      "model",
      "model",
      data.models.map(({ label }) => label),
      ofCell(cells.model, same),
    ),
    numberAxis(
      "width",
      "width",
      true,
      ofCell(cells.width, (place) => data.widths[place]),
      String,
    ),
    numberAxis(
      "rate",
      data.rate_title,
      true,
      ofCell(cells.rate, (place) => data.rates[place] ?? NaN),
      (rate) => rateNames[data.rates.indexOf(rate)] ?? valueWords(rate),
    ),
    numberAxis(
      "seed",
      "seed",
      false,
      Float64Array.from(trials.seed, (place) => data.seeds[place]),
      String,
    ),
    ...kinds.map(({ name, label, logarithmic }) => numberAxis(name, label, logarithmic, ended(sweep, name))),
    wordsAxis("status", "status", data.statuses, Float64Array.from(trials.status)),
  ];
  return all.filter(({ least, greatest }) => least < greatest);
}

/**
 * The diagnostics that get an axis: what trials are judged by, the loss, then others in their order.
 * @param {import("./run_data.js").RunData} data
 * @param {Sweep["last"]} last
 */
function ordered({ diagnostics, criterion }, last) {
  const first = [criterion, "loss"],
    rank = (/** @type {string} */ name) => (first.includes(name) ? first.indexOf(name) : 2);
  return diagnostics
    .filter(({ name }) => last(name).some((value) => Number.isFinite(value)))
    .sort((a, b) => rank(a.name) - rank(b.name))
    .slice(0, MOST_DIAGNOSTICS);
}

/**
 * The last value of a diagnostic; infinite where what is judged diverged, whatever number it had reached by then.
 * @param {Sweep} sweep
 * @param {string} name
 */
function ended({ data, trials, last }, name) {
  const diverged = data.statuses.indexOf("diverged"),
    isJudged = [data.criterion, "loss"].includes(name);
  return Float64Array.from(last(name), (value, trial) =>
    isJudged && trials.status[trial] === diverged ? Infinity : value,
  );
}

/** @param {string} name @param {string} label @param {string[]} words @param {Float64Array} values @returns {TrialAxis} */
function wordsAxis(name, label, words, values) {
  const text = (/** @type {number} */ value) => words[value] ?? "";
  return { name, label, kind: "words", words, values, text, lowest: ends(values).least, ...ends(values) };
}

/**
 * @param {string} name
 * @param {string} label
 * @param {boolean} isLog
 * @param {Float64Array} values
 * @param {(value: number) => string} [text]
 * @returns {TrialAxis}
 */
function numberAxis(name, label, isLog, values, text = valueWords) {
  const positive = isLog ? values.filter((value) => value > 0 && Number.isFinite(value)) : values;
  const kind = isLog && positive.length ? "log" : "linear";
  const { least: lowest } = ends(values);
  return { name, label, kind, words: [], values, text, lowest, ...ends(kind === "log" ? positive : values) };
}

/** @param {Float64Array} values */
function ends(values) {
  let least = Infinity,
    greatest = -Infinity;
  for (const value of values)
    if (Number.isFinite(value)) [least, greatest] = [Math.min(least, value), Math.max(greatest, value)];
  return { least, greatest };
}

/**
 * Where a value stands on its axis.
 * @param {TrialAxis} axis
 * @param {number} value
 * @returns {number} 0 at the least, 1 at the greatest; 1.08 of what is infinite, which stands above the axis.
 */
export function fractionOn({ kind, least, greatest }, value) {
  if (!Number.isFinite(value)) return 1.08;
  if (kind === "log" && value <= 0) return 0;
  return kind === "log" ? Math.log(value / least) / Math.log(greatest / least) : (value - least) / (greatest - least);
}

/**
 * The value at a place of an axis.
 * @param {TrialAxis} axis
 * @param {number} fraction
 * @returns {number} With three digits; of words the place of the nearest, at the foot the least value of all.
 */
export function valueOn({ kind, lowest, least, greatest }, fraction) {
  const inside = Math.min(Math.max(fraction, 0), 1);
  const value = kind === "log" ? least * (greatest / least) ** inside : least + inside * (greatest - least);
  return kind === "words"
    ? Math.round(value)
    : inside === 0
      ? lowest
      : inside === 1
        ? greatest
        : Number(value.toPrecision(3));
}

/**
 * A value in words.
 * @param {TrialAxis} axis
 * @param {number} value
 * @returns {string}
 */
export function wordsOn({ text }, value) {
  return Number.isNaN(value) ? "" : text(value);
}

/**
 * The trials between bounds, ends included; a bounded axis leaves out those that have no finite value on it.
 * @param {readonly TrialAxis[]} axes
 * @param {Bounds} bounds
 * @returns {number[]}
 */
export function within(axes, bounds) {
  const bounded = axes.filter(({ name }) => Object.hasOwn(bounds, name)),
    count = axes[0]?.values.length ?? 0,
    kept = [];
  for (let trial = 0; trial < count; trial += 1) {
    if (bounded.every(({ name, values }) => values[trial] >= bounds[name][0] && values[trial] <= bounds[name][1]))
      kept.push(trial);
  }
  return kept;
}

/**
 * Trials by rising or falling value on an axis, those without one last.
 * @param {readonly number[]} trials
 * @param {TrialAxis} axis
 * @param {boolean} falls
 * @returns {number[]}
 */
export function sortedBy(trials, { values }, falls) {
  const rank = (/** @type {number} */ trial) => (Number.isNaN(values[trial]) ? 1 : 0);
  const compare = (/** @type {number} */ a, /** @type {number} */ b) =>
    values[a] === values[b] ? 0 : (values[a] < values[b] ? -1 : 1) * (falls ? -1 : 1);
  return [...trials].sort((a, b) => rank(a) - rank(b) || (rank(a) ? 0 : compare(a, b)) || a - b);
}

/**
 * At most so many of some trials, evenly spread over them.
 * @param {readonly number[]} trials
 * @param {number} most
 * @returns {readonly number[]}
 */
export function thinned(trials, most) {
  if (trials.length <= most) return trials;
  return Array.from({ length: most }, (_, place) => trials[Math.floor((place * trials.length) / most)]);
}
