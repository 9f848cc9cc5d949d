// What a trial is and how it ended, in words and numbers.

import { shortNumber } from "../drawing/number_text.js";
import { valueWords } from "./value_words.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */

const RATE = "learning rate"; // and no multiple of the limit, of which the limit is 1

/**
 * A trial told apart from all others of its run.
 * @param {Sweep} sweep
 * @param {number} trial
 * @returns {string}
 */
export function titleOf({ data, cells, trials, rateNames }, trial) {
  const cell = trials.cell[trial],
    seed = data.seeds[trials.seed[trial]],
    sample = trials.data_seed[trial];
  const words = [data.models[cells.model[cell]].label, `width ${data.widths[cells.width[cell]]}`];
  if (data.problems.length > 1) words.unshift(data.problems[cells.problem[cell]].label);
  if (cells.rate[cell] >= 0) words.push(`${data.rate_title} ${rateNames[cells.rate[cell]]}`);
  words.push(`seed ${seed}`);
  if (sample >= 0) words.push(`points ${sample}`);
  return words.join(", ");
}

/**
 * How a trial ended, as pairs of a name and a number in words.
 * @param {Sweep} sweep
 * @param {number} trial
 * @returns {[string, string][]}
 */
export function numbersOf({ data, cells, trials, last, framesOf, rateNames }, trial) {
  const cell = trials.cell[trial],
    step = trials.step[trial],
    rate = trials.learning_rate[trial];
  /** @type {[string, string][]} */
  const pairs = [["status", `${data.statuses[trials.status[trial]]}${step >= 0 ? ` at step ${step}` : ""}`]];
  const isAsked = data.rate_title === RATE;
  if (!Number.isNaN(rate)) pairs.push(["learning rate", isAsked ? rateNames[cells.rate[cell]] : shortNumber(rate)]);
  // Of a network it is that of its own weights, and its cell has but the median of others.
  const isNetwork = data.models[cells.model[cell]].activation !== "",
    own = trials.limit[trial],
    limit = Number.isNaN(own) && !isNetwork ? cells.limit[cell] : own;
  if (isAsked && !Number.isNaN(limit)) pairs.push(["predicted largest stable rate", shortNumber(limit)]);
  for (const { name, label } of data.diagnostics) {
    const value = last(name)[trial];
    if (!Number.isNaN(value)) pairs.push([label, valueWords(value)]);
  }
  const atoms = framesOf(trial)?.atoms;
  if (atoms) pairs.push(["functions taken, in order", atoms.join(", ")]);
  return pairs;
}

/**
 * The verdict on a trial, and what it rests on.
 * @param {Sweep} sweep
 * @param {number} trial
 * @returns {{verdict: string, grounds: string}} Empty where there is none; grounds go on where they begin with the verdict.
 */
export function verdictOf({ data, trials }, trial) {
  const verdict = data.verdicts[trials.verdict[trial]] ?? "",
    grounds = data.grounds[trials.grounds[trial]] ?? "";
  if (!grounds) return { verdict, grounds };
  const goesOn = verdict !== "" && grounds.startsWith(verdict);
  return { verdict, grounds: goesOn ? grounds.slice(verdict.length) : ` (${grounds})` };
}
