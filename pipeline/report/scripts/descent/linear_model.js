/**
 * Linear models: weights on features of the inputs that are computed once.
 *
 * Shape letters: W features, P points; features are `[W, P]`, one feature after another.
 */

/** @typedef {import("./losses.js").Loss} Loss */
/** @typedef {import("./model.js").Batch} Batch */

/** Loss, gradient and curvature of `f = a X` on some points. */
export class LinearBatch {
  /**
   * @param {Loss} loss
   * @param {Float64Array} features `[W, P]`; may be overwritten between two calls.
   * @param {Float64Array} targets `[P]`; may be overwritten too.
   */
  constructor(loss, features, targets) {
    this.loss = loss;
    this.features = features;
    this.targets = targets;
    this.outputs = new Float64Array(targets.length);
    this.slopes = new Float64Array(targets.length);
    this.curvatures = new Float64Array(targets.length);
  }

  /**
   * Loss and gradient.
   * @param {Float64Array} weights `[W]`.
   * @param {Float64Array} gradient `[W]`, overwritten.
   * @returns {number}
   */
  evaluate(weights, gradient) {
    combine(this.features, weights, this.outputs);
    const loss = this.loss.evaluate(this.outputs, this.targets, this.slopes);
    project(this.features, this.slopes, gradient);
    return loss;
  }

  /**
   * Prepare products with the Hessian at some weights.
   * @param {Float64Array} weights
   */
  expandAt(weights) {
    combine(this.features, weights, this.outputs);
    const numPoints = this.targets.length;
    for (let p = 0; p < numPoints; p++) {
      this.curvatures[p] = this.loss.curvature(this.outputs[p], this.targets[p]) / numPoints;
    }
  }

  /**
   * Product of the Hessian with a vector.
   * @param {Float64Array} direction
   * @param {Float64Array} product Overwritten.
   */
  hessianProduct(direction, product) {
    combine(this.features, direction, this.outputs);
    for (let p = 0; p < this.outputs.length; p++) this.slopes[p] = this.curvatures[p] * this.outputs[p];
    project(this.features, this.slopes, product);
  }
}

/**
 * Outputs: the combination of the features with some weights.
 * @param {Float64Array} features `[W, P]`.
 * @param {Float64Array} weights `[W]`.
 * @param {Float64Array} outputs `[P]`, overwritten.
 */
export function combine(features, weights, outputs) {
  const numPoints = outputs.length;
  outputs.fill(0);
  for (let w = 0, start = 0; w < weights.length; w++, start += numPoints) {
    const weight = weights[w];
    for (let p = 0; p < numPoints; p++) outputs[p] += weight * features[start + p];
  }
}

/**
 * Sums over the points of each feature times a number of the point.
 * @param {Float64Array} features `[W, P]`.
 * @param {Float64Array} slopes `[P]`.
 * @param {Float64Array} gradient `[W]`, overwritten.
 */
export function project(features, slopes, gradient) {
  const numPoints = slopes.length;
  for (let w = 0, start = 0; w < gradient.length; w++, start += numPoints) {
    let sum = 0;
    for (let p = 0; p < numPoints; p++) sum += slopes[p] * features[start + p];
    gradient[w] = sum;
  }
}
