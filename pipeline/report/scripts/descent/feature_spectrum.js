/** Singular values of the features of a trial; those of a linear model, with the vectors, are computed once. */

import { LeftSingularVectors, singularValues } from "../descent/singular_values.js";

/** @typedef {import("./trial.js").Trial} Trial */

/** @type {WeakMap<Trial, LeftSingularVectors>} */
const VECTORS = new WeakMap();

/**
 * Left singular vectors of the features of a linear model.
 * @param {Trial} trial
 * @returns {LeftSingularVectors}
 */
export function leftVectorsOf(trial) {
  const vectors = VECTORS.get(trial) ?? new LeftSingularVectors(trial.prepared, trial.targets.length);
  VECTORS.set(trial, vectors);
  return vectors;
}

/**
 * Singular values of the feature matrix at the present weights.
 * @param {Trial} trial
 * @returns {Float64Array} The largest first.
 */
export function featureValues(trial) {
  if (trial.model.linear) return leftVectorsOf(trial).values;
  const numPoints = trial.targets.length;
  return singularValues(trial.model.features(trial.weights, trial.prepared, numPoints), numPoints);
}
