/** Accuracy: the fraction of points whose label or class is right, as `diagnostics/` counts it. */

/** @typedef {import("./setting.js").Content} Content */

/**
 * The class of the largest output at each point, the first of equals.
 * @param {Float64Array} outputs `[K, P]`.
 * @param {number} numPoints P.
 * @returns {Int32Array} `[P]`, -1 where an output is not a number.
 */
export function likeliestClasses(outputs, numPoints) {
  return Int32Array.from({ length: numPoints }, (_, p) => {
    let best = p;
    for (let i = p; i < outputs.length; i += numPoints) {
      if (Number.isNaN(outputs[i])) return -1;
      if (outputs[i] > outputs[best]) best = i;
    }
    return Math.floor(best / numPoints);
  });
}

/**
 * Fraction of the answers that are right.
 * @param {Content} content
 * @param {Float64Array} outputs `[K, P]`.
 * @param {Float64Array} targets `[K, P]`.
 * @returns {number | null} Null of a regression.
 */
export function accuracyOf({ task, numPoints, loss }, outputs, targets) {
  if (task === "regression") return null;
  if (task === "classes") {
    const found = likeliestClasses(outputs, numPoints), right = likeliestClasses(targets, numPoints);
    return found.filter((number, p) => number === right[p]).length / numPoints;
  }
  const threshold = loss.name === "half_mean_square" ? 0.5 : 0;
  return outputs.filter((output, i) => output > threshold === targets[i] > 0.5).length / outputs.length;
}
