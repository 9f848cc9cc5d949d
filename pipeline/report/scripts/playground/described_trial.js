// What a page has to know of a trial at its start, besides its numbers.

import { LOSSES } from "../descent/losses.js";
import { readSetting } from "../descent/setting.js";
import { UPDATE_RULES } from "../descent/update_rules.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */
/** @typedef {import("../descent/session.js").Started} Started */
/** @typedef {{steps: number[], values: number[]}} Steps Values of some steps, in order. */

/**
 * @typedef {object} Described
 * @property {string} id Of the trial.
 * @property {number} dimension D.
 * @property {number} outputs K.
 * @property {number[] | null} atoms Functions that a greedy model has chosen.
 * @property {"regression" | "labels" | "classes"} task What the outputs mean.
 * @property {string} loss Its name.
 * @property {boolean} isTable Whether the points are those of a table, so that no function is known.
 * @property {boolean} isLinear Whether the model is linear in its weights.
 * @property {boolean} exact Whether the limit of its rate is exact: descent on all points of a quadratic.
 * @property {boolean} full Whether each step is on all points.
 * @property {string} optimizer Name of the rule, in words.
 * @property {number} rate Learning rate.
 * @property {number | null} limit Largest stable rate at the first weights.
 * @property {number | null} bound Largest stable sharpness; of gradient descent 2 / rate.
 * @property {number} condition Condition number.
 * @property {Float64Array} eigenvalues Of the features; of a linear model under the square loss those of the Hessian.
 * @property {{momentum: number, nesterov: boolean} | null} recurrence Of the modes of a quadratic.
 * @property {Steps | null} predicted Predicted loss; of a network that of the network that is linearised at its start.
 * @property {Float64Array} points Training points `[P, D]`.
 * @property {Float64Array} targets Training targets `[P]`.
 * @property {{x: Float64Array, y: Float64Array}} truth The function to be learned on a grid.
 * @property {boolean} isDrawn Whether a person has drawn the function.
 * @property {[number, number]} range Values that the plane has in the colours of its ends.
 */

export const PIECEWISE_LINEAR = "piecewise_linear";
const SURE = 4;  // a logit that is a clear yes

/**
 * A trial as the page shows it.
 * @param {Setting} setting What it was started with.
 * @param {Started} started What was answered.
 * @returns {Described}
 */
export function describedTrial(setting, { id, dimension, outputs, atoms, rate, points, targets, truth, theory }) {
  const content = readSetting(setting), rule = UPDATE_RULES[content.optimizer.name](content.optimizer.fields);
  const isLinear = content.model.name !== "shallow", full = content.batchSize === null;
  const predicted = theory.predicted ?? (theory.linearised && untilItLeaves(theory.linearised));
  const exact = isLinear && full && LOSSES[content.loss.name].quadratic && rule.stabilityFactor !== null;
  return {
    ...{ id, dimension, outputs, atoms, rate, points, targets, truth, isLinear, full, exact },
    ...{ task: content.task, loss: content.loss.name, isTable: content.data !== null },
    optimizer: content.optimizer.name.replaceAll("_", " "),
    limit: theory.limit,
    bound: rule.stabilityFactor === null ? null : rule.stabilityFactor / rate,
    condition: theory.condition,
    eigenvalues: theory.eigenvalues,
    recurrence: exact ? rule.recurrence : null,
    predicted: predicted && asSteps(predicted),
    isDrawn: content.target.name === PIECEWISE_LINEAR && content.data === null,
    range: rangeOf(content.loss.name, content.task, content.data === null ? truth.y : targets),
  };
}

const LEAVES_ABOVE = 10;  // times the first loss: what the linearised network does beyond, the network does not follow

/**
 * The curve of a linearised network until it diverges.
 * @param {[number, number][]} losses
 */
function untilItLeaves(losses) {
  const end = losses.findIndex(([, loss]) => !(loss <= LEAVES_ABOVE * losses[0][1]));
  return end === -1 ? losses : losses.slice(0, end);
}

/** @param {[number, number][]} losses */
function asSteps(losses) {
  return { steps: losses.map(([step]) => step), values: losses.map(([, loss]) => loss) };
}

/**
 * @param {string} loss
 * @param {string} task
 * @param {Float64Array} values
 * @returns {[number, number]}
 */
function rangeOf(loss, task, values) {
  if (task !== "regression") return loss === "half_mean_square" ? [0, 1] : [-SURE, SURE];
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
  return low < high ? [low, high] : [low - 1, high + 1];
}

/**
 * The values of a function on a square grid of points, of which the first input changes fastest.
 * @param {{x: Float64Array, y: ArrayLike<number>}} curve Points `[P, 2]`, and a value at each.
 * @returns {import("../drawing/plane_plot.js").Grid} As it is drawn: all second inputs of a first one after another.
 */
export function gridOf({ x: points, y: values }) {
  const side = Math.round(Math.sqrt(points.length / 2));
  return {
    x: Float64Array.from({ length: side }, (_, place) => points[2 * place]),
    y: Float64Array.from({ length: side }, (_, place) => points[2 * place * side + 1]),
    values: Float64Array.from({ length: side * side }, (_, place) => values[(place % side) * side + Math.floor(place / side)]),
  };
}
