// What is looked at: a trial, at a recorded step, on a map that shows one quantity.

import { LOSS } from "./step_content.js";
import { axesOf } from "./trial_axes.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/**
 * @typedef {object} Choice
 * @property {number} trial
 * @property {number | null} step Null is the last one recorded.
 * @property {string} shown Name of the diagnostic that the map shows.
 * @property {string} curve Name of the one that is drawn over the steps.
 * @property {import("./address.js").Bounds} bounds Of the trials that are listed.
 */
/** @typedef {"problem" | "model" | "width" | "rate"} Axis */

/** Of the column `best`; that of the best model of a problem is more. */
export const BEST_OF_MODEL = 2;
const BEST_OF_PROBLEM = 3;
/** @type {Axis[]} */
const AXES = ["problem", "model", "width", "rate"];

/**
 * What the page shows first: of the first problem the cell that the run names best, or else that with the least error,
 * and of its seeds the first that is done.
 * @param {Sweep} sweep
 * @returns {Choice}
 */
export function firstChoice({ cells, trials, trialsOf, data }) {
  const scores = [...cells.score],
    ofFirst = scores.map((_, cell) => cell).filter((cell) => cells.problem[cell] === 0);
  const known = ofFirst.filter((cell) => Number.isFinite(scores[cell]));
  const least = known.reduce((a, b) => (scores[b] < scores[a] ? b : a), known[0] ?? 0);
  const best = ofFirst.find((cell) => cells.best[cell] === BEST_OF_PROBLEM) ?? least;
  const isDone = (/** @type {number} */ trial) => data.statuses[trials.status[trial]] === "done";
  const trial = trialsOf(best).find(isDone) ?? cells.trial[best] ?? -1;
  return { trial, step: null, shown: data.criterion, curve: firstCurve(data), bounds: {} };
}

/** @param {import("./run_data.js").RunData} data */
const firstCurve = ({ curves }) => (Object.hasOwn(curves, LOSS) ? LOSS : (Object.keys(curves)[0] ?? ""));

/**
 * The cell nearest to one, once an axis is changed: other axes give way in the order rate, width, model, problem.
 * @param {Sweep} sweep
 * @param {number} from
 * @param {Partial<Record<Axis, number>>} changed
 * @returns {number} -1 where nothing has what was changed.
 */
export function cellNear({ cells }, from, changed) {
  /** @type {Record<Axis, number>} */
  const wanted = {
    problem: cells.problem[from],
    model: cells.model[from],
    width: cells.width[from],
    rate: cells.rate[from],
    ...changed,
  };
  let nearest = -1,
    least = Infinity;
  for (let cell = 0; cell < cells.problem.length; cell += 1) {
    const distance = AXES.reduce(
      (sum, axis) => sum * 1e3 + Math.min(Math.abs(cells[axis][cell] - wanted[axis]), 999),
      0,
    );
    const keeps = Object.entries(changed).every(([axis, value]) => cells[/** @type {Axis} */ (axis)][cell] === value);
    if (keeps && distance < least) [nearest, least] = [cell, distance];
  }
  return nearest;
}

/**
 * The trial of a cell with the seed and the points of another one; with its seed; or the first.
 * @param {Sweep} sweep
 * @param {number} cell
 * @param {number} like The other one.
 * @returns {number}
 */
export function trialWithSeed({ cells, trials, trialsOf }, cell, like) {
  const ofSeed = trialsOf(cell).filter((trial) => trials.seed[trial] === trials.seed[like]);
  const samePoints = ofSeed.find((trial) => trials.data_seed[trial] === trials.data_seed[like]);
  return samePoints ?? ofSeed[0] ?? cells.trial[cell];
}

/**
 * The choice that an address names, and a sentence for each thing in it that the run does not have.
 * @param {Sweep} sweep
 * @param {import("./address.js").Address} address
 * @returns {{choice: Choice, faults: string[]}}
 */
export function chosenBy(sweep, { trial, step, shown, curve, bounds, faults }) {
  const first = firstChoice(sweep),
    found = trial ? sweep.trialNamed(trial) : first.trial,
    told = [...faults];
  const isKnown = Object.hasOwn(sweep.data.trials.last, shown),
    isCurve = Object.hasOwn(sweep.data.curves, curve);
  if (found === -1 && trial) told.push(`This page shows no trial whose id begins with “${trial.slice(0, 40)}”.`);
  if (found === -2) told.push(`Several trials have ids that begin with “${trial}”: take more of its digits.`);
  if (shown && !isKnown) told.push(`This run has not recorded “${shown.slice(0, 40)}”.`);
  if (curve && !isCurve) told.push(`This page has no curve of “${curve.slice(0, 40)}”.`);
  const axes = new Set(axesOf(sweep).map(({ name }) => name)),
    without = Object.keys(bounds).find((name) => !axes.has(name));
  if (without !== undefined) told.push(`The trials of this page do not differ in “${without.slice(0, 40)}”.`);
  const choice = {
    trial: found < 0 ? first.trial : found,
    step,
    shown: isKnown ? shown : first.shown,
    curve: isCurve ? curve : first.curve,
    bounds: Object.fromEntries(Object.entries(bounds).filter(([name]) => axes.has(name))),
  };
  return { choice, faults: told };
}

/**
 * What an address says of a choice; nothing of what the page shows by itself.
 * @param {Sweep} sweep
 * @param {Choice} choice
 * @returns {import("./address.js").Address}
 */
export function addressOf({ trials, data }, { trial, step, shown, curve, bounds }) {
  return {
    trial: shortest(trials.id, trials.id[trial] ?? ""),
    step,
    shown: shown === data.criterion ? "" : shown,
    curve: curve === firstCurve(data) ? "" : curve,
    bounds,
    faults: [],
  };
}

/**
 * As few digits of an id as tell it apart, but twelve at least.
 * @param {string[]} ids
 * @param {string} id
 * @returns {string}
 */
function shortest(ids, id) {
  let digits = 12;
  while (digits < id.length && ids.filter((other) => other.startsWith(id.slice(0, digits))).length > 1) digits += 4;
  return id.slice(0, digits);
}
