/**
 * Theory of a trial: its largest stable rate, its condition number, and the loss that is predicted of every step.
 */

import { LOSSES } from "../descent/losses.js";
import { combine } from "../descent/linear_model.js";
import { Modes } from "../descent/modes.js";
import { leftParts, singularValues } from "../descent/singular_values.js";
import { sharpness, stableLimit } from "../descent/stable_limit.js";

/** @typedef {import("./trial.js").Trial} Trial */

/**
 * @typedef {object} Theory
 * @property {number | null} limit Largest stable learning rate; of a network that of its present Hessian; null: not known.
 * @property {number} condition Condition number of the feature matrix, of a network that of its hidden units and a one.
 * @property {Float64Array} eigenvalues Squares of the singular values of the features over P, the largest first: of a
 *     linear model under the square loss those of its Hessian.
 * @property {((step: number) => number) | null} predictedLoss Loss that is predicted of a step of this trial, from its
 *     present weights, velocity and rate; null where nothing is: of networks, other losses, Adam and minibatches.
 * @property {() => number} sharpness Largest eigenvalue of the Hessian at the weights that the trial has when it is asked.
 */

/**
 * What theory says of a trial as it stands.
 * @param {Trial} trial
 * @returns {Theory}
 */
export function theoryOf(trial) {
  const numPoints = trial.targets.length;
  const features = trial.model.features(trial.weights, trial.prepared, numPoints);
  const values = singularValues(features, numPoints);
  const numFeatures = features.length / numPoints;
  return {
    limit: stableLimit(trial),
    condition: numFeatures > numPoints ? Infinity : values[0] / values[values.length - 1],
    eigenvalues: values.map((value) => value ** 2 / numPoints),
    predictedLoss: predictionOf(trial),
    sharpness: () => sharpness(trial),
  };
}

/**
 * The predicted loss of the steps of a linear model under the square loss, from where the trial is.
 * @param {Trial} trial
 * @returns {((step: number) => number) | null}
 */
export function predictionOf(trial) {
  const { model, rule, content, minibatches, stepsDone, rate } = trial;
  const { recurrence } = rule;
  if (!model.linear || recurrence === null || minibatches !== null || !LOSSES[content.loss.name].quadratic) return null;
  const modes = presentModes(trial);
  return (step) => modes.loss(step - stepsDone, rate, recurrence);
}

/**
 * Loss by mode at the present weights of a linear model.
 * @param {Trial} trial
 * @returns {Modes}
 */
export function presentModes({ prepared, targets, weights, slots }) {
  const numPoints = targets.length;
  const outputs = new Float64Array(numPoints);
  combine(prepared, weights, outputs);
  const residuals = outputs.map((output, p) => output - targets[p]);
  const velocity = new Float64Array(numPoints);
  if (slots.length === 1) combine(prepared, slots[0], velocity);
  const { values, parts, remainders } = leftParts(prepared, numPoints, [residuals, velocity]);
  const eigenvalues = values.map((value) => value ** 2 / numPoints);
  return new Modes(eigenvalues, parts[0], parts[1], remainders[0] / (2 * numPoints), numPoints);
}
