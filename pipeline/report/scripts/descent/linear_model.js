/**
 * Linear models: weights on features of the inputs that are computed once.
 *
 * Shape letters: W features, P points, K outputs; features are `[W, P]`, weights `[K, W]`, outputs and targets `[K, P]`.
 */

/** @typedef {import("./losses.js").Loss} Loss */

/** Loss, gradient and curvature of `f = a X` on some points. */
export class LinearBatch {
  /**
   * @param {Loss} loss
   * @param {Float64Array} features `[W, P]`; may be overwritten between two calls.
   * @param {Float64Array} targets `[K, P]`; may be overwritten too.
   * @param {number} numPoints P.
   */
  constructor(loss, features, targets, numPoints) {
    this.loss = loss;
    this.features = features;
    this.targets = targets;
    this.numPoints = numPoints;
    this.outputs = new Float64Array(targets.length);
    this.slopes = new Float64Array(targets.length);
    /** @type {import("./losses.js").Curvature} */
    this.curve = () => {};
  }

  /**
   * Loss and gradient.
   * @param {Float64Array} weights `[K, W]`.
   * @param {Float64Array} gradient `[K, W]`, overwritten.
   * @returns {number}
   */
  evaluate(weights, gradient) {
    combine(this.features, weights, this.outputs, this.numPoints);
    const loss = this.loss.evaluate(this.outputs, this.targets, this.slopes, this.numPoints);
    project(this.features, this.slopes, gradient, this.numPoints);
    return loss;
  }

  /**
   * Prepare products with the Hessian at some weights.
   * @param {Float64Array} weights
   */
  expandAt(weights) {
    combine(this.features, weights, this.outputs, this.numPoints);
    this.curve = this.loss.curvatureAt(this.outputs, this.targets, this.numPoints);
  }

  /**
   * Product of the Hessian with a vector.
   * @param {Float64Array} direction
   * @param {Float64Array} product Overwritten.
   */
  hessianProduct(direction, product) {
    combine(this.features, direction, this.slopes, this.numPoints);
    this.curve(this.slopes);
    project(this.features, this.slopes, product, this.numPoints);
  }
}

/**
 * Outputs: the combinations of the features with some weights.
 * @param {Float64Array} features `[W, P]`.
 * @param {Float64Array} weights `[K, W]`.
 * @param {Float64Array} outputs `[K, P]`, overwritten.
 * @param {number} numPoints P.
 */
export function combine(features, weights, outputs, numPoints) {
  const width = features.length / numPoints;
  outputs.fill(0);
  for (let first = 0, w = 0; first < outputs.length; first += numPoints) {
    for (let start = 0; start < width * numPoints; start += numPoints, w++) {
      const weight = weights[w];
      for (let p = 0; p < numPoints; p++) outputs[first + p] += weight * features[start + p];
    }
  }
}

/**
 * Sums over the points of each feature times a number of the point and the output.
 * @param {Float64Array} features `[W, P]`.
 * @param {Float64Array} slopes `[K, P]`.
 * @param {Float64Array} gradient `[K, W]`, overwritten.
 * @param {number} numPoints P.
 */
export function project(features, slopes, gradient, numPoints) {
  const width = features.length / numPoints;
  for (let first = 0, w = 0; first < slopes.length; first += numPoints) {
    for (let start = 0; start < width * numPoints; start += numPoints, w++) {
      let sum = 0;
      for (let p = 0; p < numPoints; p++) sum += slopes[first + p] * features[start + p];
      gradient[w] = sum;
    }
  }
}
