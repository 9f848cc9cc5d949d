/** The largest stable learning rate, and the largest eigenvalue of the Hessian that it comes from. */

import { largestOfGram } from "../descent/feature_spectrum.js";
import { largestEigenvalue } from "../descent/lanczos.js";
import { LOSSES } from "../descent/losses.js";

/** @typedef {import("./trial.js").Trial} Trial */

/**
 * Sharpness: the largest eigenvalue of the Hessian of the loss on all points, at the present weights; almost everywhere
 * where an activation has kinks.
 * @param {Trial} trial
 * @returns {number} To a relative 1e-8; NaN where that is not reached.
 */
export function sharpness(trial) {
  const { all, weights } = trial;
  all.expandAt(weights);
  return largestEigenvalue((direction, product) => all.hessianProduct(direction, product), weights.length);
}

/**
 * Largest stable learning rate: of a linear model the limit that `diagnostics/conditioning.py` predicts, of a network
 * that of the quadratic that its loss is now.
 * @param {Trial} trial
 * @returns {number | null} Null where no limit is known: of Adam, and of minibatches.
 */
export function stableLimit(trial) {
  const factor = trial.rule.stabilityFactor;
  if (factor === null || trial.minibatches !== null) return null;
  if (!trial.model.linear) {
    const limit = factor / sharpness(trial);
    return limit > 0 ? limit : null;
  }
  const limit = factor / (LOSSES[trial.content.loss.name].largestCurvature * largestOfGram(trial));
  return Number.isNaN(limit) ? null : limit;
}
