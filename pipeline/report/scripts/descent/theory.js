/**
 * Theory of a trial: its largest stable rate, its condition number, and the loss that is predicted of every step.
 */

import { featureValues, leftVectorsOf } from "../descent/feature_spectrum.js";
import { LOSSES } from "../descent/losses.js";
import { combine } from "../descent/linear_model.js";
import { Modes } from "../descent/modes.js";
import { NetworkBatch } from "../descent/network.js";
import { sharpness, stableLimit } from "../descent/stable_limit.js";
import { linearisedModes } from "../descent/tangent_kernel.js";

/** @typedef {import("./trial.js").Trial} Trial */
/** @typedef {((step: number) => number) | null} Prediction Loss that is predicted of a step of the trial. */

/**
 * @typedef {object} Theory
 * @property {number | null} limit Largest stable learning rate; of a network that of its present Hessian; null: not known.
 * @property {number} condition Condition number of the feature matrix, of a network that of its hidden units and a one;
 *     NaN of more than 256 points and features, as there are no eigenvalues and no prediction.
 * @property {Float64Array} eigenvalues Squares of the singular values of the features over P, the largest first: of a
 *     linear model under the square loss those of its Hessian.
 * @property {Prediction} predictedLoss Of a linear model under the square loss, from its present weights, velocity and
 *     rate; exact. Null of networks, other losses, Adam and minibatches.
 * @property {Prediction} linearisedLoss Of a network of one output at step 0: the loss of the network that is linearised
 *     there.
 * @property {() => number} sharpness Largest eigenvalue of the Hessian at the weights that the trial has when it is asked.
 */

/** Most points of a network whose tangent kernel is decomposed: a quarter of a second. */
const MOST_POINTS = 400;

/** Modes of linearised networks, which are the same at every rate. @type {WeakMap<Trial, Modes>} */
const FIRST_MODES = new WeakMap();

/**
 * What theory says of a trial as it stands.
 * @param {Trial} trial
 * @returns {Theory}
 */
export function theoryOf(trial) {
  const { numPoints } = trial.content;
  const values = featureValues(trial);
  const numFeatures = trial.content.width + (trial.model.linear ? 0 : 1);
  return {
    limit: stableLimit(trial),
    condition: numFeatures > numPoints ? Infinity : values[0] / values[values.length - 1], // NaN of none
    eigenvalues: values.map((value) => value ** 2 / numPoints),
    predictedLoss: predictionOf(trial),
    linearisedLoss: linearisedPrediction(trial),
    sharpness: () => sharpness(trial),
  };
}

/**
 * Whether descent on the loss of the outputs is a linear recurrence of a model that is linear.
 * @param {Trial} trial
 * @returns {boolean}
 */
function isRecurrence({ rule, content, minibatches }) {
  return rule.recurrence !== null && minibatches === null && LOSSES[content.loss.name].quadratic;
}

/**
 * The predicted loss of the steps of a linear model under the square loss, from where the trial is.
 * @param {Trial} trial
 * @returns {Prediction}
 */
export function predictionOf(trial) {
  if (!trial.model.linear || !isRecurrence(trial)) return null;
  const vectors = leftVectorsOf(trial);
  return vectors && ofModes(trial, presentModes(trial, vectors));
}

/**
 * The loss of the steps of the network that is linearised at its first weights.
 * @param {Trial} trial
 * @returns {Prediction} Null once the trial has made a step.
 */
export function linearisedPrediction(trial) {
  const { all, stepsDone, content, weights } = trial;
  if (!(all instanceof NetworkBatch) || !isRecurrence(trial)) return null;
  if (stepsDone > 0 || content.outputs > 1 || content.numPoints > MOST_POINTS) return null;
  const modes = FIRST_MODES.get(trial) ?? linearisedModes(all, weights);
  FIRST_MODES.set(trial, modes);
  return ofModes(trial, [modes]);
}

/**
 * @param {Trial} trial
 * @param {Modes[]} modes Where it is now, of each output.
 * @returns {Prediction}
 */
function ofModes({ rule: { recurrence }, stepsDone, rate }, modes) {
  if (recurrence === null) return null;
  return (step) => modes.reduce((sum, one) => sum + one.loss(step - stepsDone, rate, recurrence), 0);
}

/**
 * Loss by mode at the present weights of a linear model, of each output.
 * @param {Trial} trial
 * @param {import("./singular_values.js").LeftSingularVectors} vectors
 * @returns {Modes[]}
 */
function presentModes({ content, prepared, targets, weights, slots }, vectors) {
  const { numPoints } = content;
  const [errors, velocities] = [new Float64Array(targets.length), new Float64Array(targets.length)];
  combine(prepared, weights, errors, numPoints);
  for (let i = 0; i < errors.length; i++) errors[i] -= targets[i];
  if (slots.length === 1) combine(prepared, slots[0], velocities, numPoints);
  const eigenvalues = vectors.values.map((value) => value ** 2 / numPoints);
  return Array.from({ length: content.outputs }, (_, output) => {
    const [from, to] = [output * numPoints, (output + 1) * numPoints];
    const { parts, remainder } = vectors.split(errors.subarray(from, to));
    const moving = vectors.split(velocities.subarray(from, to)).parts;
    return new Modes(eigenvalues, parts, moving, remainder / (2 * numPoints), numPoints);
  });
}
