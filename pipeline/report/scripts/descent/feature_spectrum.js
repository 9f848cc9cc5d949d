/** Singular values of the features of a trial; those of a linear model, with the vectors, are computed once. */

import { largestEigenvalue } from "../descent/lanczos.js";
import { combine, project } from "../descent/linear_model.js";
import { LeftSingularVectors, singularValues } from "../descent/singular_values.js";

/** @typedef {import("./trial.js").Trial} Trial */

/** @type {WeakMap<Trial, LeftSingularVectors>} */
const VECTORS = new WeakMap();

/** Most singular values that are computed: a quarter of a second, the third power of their number. */
const MOST_VALUES = 256;

/**
 * Left singular vectors of the features of a linear model.
 * @param {Trial} trial
 * @returns {LeftSingularVectors | null} Null where there are too many.
 */
export function leftVectorsOf(trial) {
  const { numPoints } = trial.content;
  if (Math.min(numPoints, trial.model.numRows) > MOST_VALUES) return null;
  const vectors = VECTORS.get(trial) ?? new LeftSingularVectors(trial.prepared, numPoints);
  VECTORS.set(trial, vectors);
  return vectors;
}

/**
 * Singular values of the feature matrix at the present weights.
 * @param {Trial} trial
 * @returns {Float64Array} The largest first; none where there are too many.
 */
export function featureValues(trial) {
  if (trial.model.linear) return leftVectorsOf(trial)?.values ?? new Float64Array(0);
  const { numPoints } = trial.content;
  if (Math.min(numPoints, trial.content.width + 1) > MOST_VALUES) return new Float64Array(0);
  return singularValues(trial.model.features(trial.weights, trial.prepared, numPoints), numPoints);
}

/**
 * Largest eigenvalue of `X^T X / P` with the features X of a linear model.
 * @param {Trial} trial
 * @returns {number} NaN where it is not certain.
 */
export function largestOfGram(trial) {
  const { numPoints } = trial.content;
  const values = featureValues(trial);
  if (values.length > 0) return values[0] ** 2 / numPoints;
  const outputs = new Float64Array(numPoints);
  return largestEigenvalue((direction, product) => {
    combine(trial.prepared, direction, outputs, numPoints);
    for (let p = 0; p < numPoints; p++) outputs[p] /= numPoints;
    project(trial.prepared, outputs, product, numPoints);
  }, trial.content.width);
}
