// A run as the page explores it: its trials and cells, found by what they are.

import { decoded, rowsOf } from "./decoding.js";
import { VERSION } from "./run_data.js";
import { toldApart } from "./value_words.js";

/** @typedef {import("./run_data.js").RunData} RunData */
/** @typedef {import("./decoding.js").Numbers} Numbers */
/**
 * @typedef {object} Frames  What one trial was at some steps.
 * @property {number} trial
 * @property {number[]} steps
 * @property {(frame: number) => Float64Array} fit NaN where the model has no value.
 * @property {((frame: number) => Float64Array) | null} units Slopes and bias of each, over their length.
 * @property {number[] | null} atoms
 * @property {number[] | null} kinks Of a fixed basis.
 */
/**
 * @typedef {object} Sweep
 * @property {RunData} data
 * @property {{id: string[], cell: Numbers, seed: Numbers, data_seed: Numbers, own_points: Numbers, status: Numbers, step: Numbers,
 *   learning_rate: Numbers, limit: Numbers, verdict: Numbers, grounds: Numbers}} trials
 * @property {Record<"problem" | "model" | "width" | "rate" | "trial" | "trials" | "ended" | "diverged" | "loss" | "score"
 *   | "limit" | "limit_words" | "best" | "frames", Numbers>} cells
 * @property {Int32Array} steps Recorded ones of curves.
 * @property {(name: string) => Numbers} last The last value of a diagnostic, of every trial; NaN where there is none.
 * @property {(problem: number, model: number, width: number, rate: number) => number} cellAt -1 for none.
 * @property {(cell: number) => number[]} trialsOf
 * @property {(name: string, trial: number) => Numbers} curve By recorded step; NaN where nothing was recorded.
 * @property {(trial: number) => Numbers | null} predicted The training loss that theory predicts, likewise.
 * @property {(trial: number) => Frames | null} framesOf
 * @property {string[]} rateNames The rates in words, each told from all others.
 * @property {(beginning: string) => number} trialNamed -1 for none, -2 for several.
 */

/**
 * The run of a page.
 * @param {RunData} data
 * @returns {Sweep}
 * @throws {Error} If it is of another version, or damaged.
 */
export function createSweep(data) {
  if (data?.version !== VERSION)
    throw new Error(`its data is of version ${data?.version}, and this page reads ${VERSION}`);
  const { last, id, ...packed } = data.trials,
    trials = { id, ...decodedAll(packed) },
    cells = decodedAll(data.cells);
  const places = new Map(Array.from(cells.problem, (_, cell) => [keyOf(data, cells, cell), cell]));
  const members = membersOf(trials.cell, cells.problem.length);
  const steps = /** @type {Int32Array} */ (decoded(data.steps)),
    H = steps.length;
  const lastOf = remembered((name) => numbersOf(last, name, id.length)),
    curves = remembered((name) => numbersOf(data.curves, name, id.length * H));
  const predictions = remembered(() => (data.predicted ? decoded(data.predicted) : null));
  const frameOfTrial = new Map(data.frames.map((frame, place) => [frame.trial, place]));
  const frames = remembered((place) => openFrames(data.frames[Number(place)]));
  return {
    data,
    trials,
    cells,
    steps,
    last: lastOf,
    cellAt: (problem, model, width, rate) => places.get(key(data, problem, model, width, rate)) ?? -1,
    trialsOf: (cell) => members[cell] ?? [],
    curve: (name, trial) => curves(name).subarray(trial * H, (trial + 1) * H),
    predicted: (trial) => predictions("")?.subarray(trial * H, (trial + 1) * H) ?? null,
    framesOf: (trial) => {
      const place = frameOfTrial.get(trial);
      return place === undefined ? null : frames(String(place));
    },
    rateNames: toldApart(data.rates),
    trialNamed: (beginning) => trialNamed(id, beginning),
  };
}

/**
 * @template {Record<string, import("./run_data.js").PackedArray>} Columns
 * @param {Columns} columns
 * @returns {Record<keyof Columns, Numbers>}
 */
function decodedAll(columns) {
  const pairs = Object.entries(columns).map(([name, packed]) => [name, decoded(packed)]);
  return Object.fromEntries(pairs);
}

/**
 * The numbers of a name, which the page may not have: then there is none.
 * @param {Record<string, import("./run_data.js").PackedArray>} columns
 * @param {string} name
 * @param {number} size
 * @returns {Numbers}
 */
const numbersOf = (columns, name, size) =>
  Object.hasOwn(columns, name) ? decoded(columns[name]) : new Float32Array(size).fill(NaN);

/** @param {RunData} data @param {number} problem @param {number} model @param {number} width @param {number} rate */
const key = ({ models, widths, rates }, problem, model, width, rate) =>
  ((problem * models.length + model) * widths.length + width) * (rates.length + 1) + rate + 1;

/** @param {RunData} data @param {Record<string, Numbers>} cells @param {number} cell */
const keyOf = (data, { problem, model, width, rate }, cell) =>
  key(data, problem[cell], model[cell], width[cell], rate[cell]);

/** @param {Numbers} cellOf @param {number} count */
function membersOf(cellOf, count) {
  /** @type {number[][]} */
  const members = Array.from({ length: count }, () => []);
  cellOf.forEach((cell, trial) => members[cell]?.push(trial));
  return members;
}

/** @param {string[]} ids @param {string} beginning */
function trialNamed(ids, beginning) {
  const exact = ids.indexOf(beginning);
  if (exact >= 0) return exact;
  const first = ids.findIndex((id) => id.startsWith(beginning));
  return first >= 0 && ids.findLastIndex((id) => id.startsWith(beginning)) !== first ? -2 : first;
}

/** @param {import("./run_data.js").FramesData} frames @returns {Frames} */
function openFrames({ trial, steps, fit, units, atoms, kinks, defined }) {
  const isDefined = defined && decoded(defined),
    values = rowsOf(fit).row;
  const gaps = (/** @type {number} */ frame) =>
    values(frame).map((value, place) => (isDefined?.[place] === 0 ? NaN : value));
  return {
    trial,
    steps: [...decoded(steps)],
    fit: gaps,
    units: units && rowsOf(units).row,
    atoms,
    kinks: kinks && [...decoded(kinks)],
  };
}

/**
 * A function that works each answer out once.
 * @template Value
 * @param {(name: string) => Value} of
 * @returns {(name: string) => Value}
 */
function remembered(of) {
  /** @type {Map<string, Value>} */
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, of(name));
    return /** @type {Value} */ (known.get(name));
  };
}
