/**
 * Tangent kernel of a network at its weights, and the loss of the linearised network by mode.
 *
 * The network `f(x; w) + J(x; w) (v - w)` is linear in its weights v: descent on its square loss moves each eigenvector of
 * the kernel `K = J J^T` by itself. With hidden values h, their derivatives g' and output weights v it is
 * `K(x, y) = h(x)^T h(y) + 1 + (x^T y + 1) sum_j v_j^2 g'_j(x) g'_j(y)`.
 *
 * Source: Jacot, Gabriel, Hongler, "Neural tangent kernel" (2018); Lee et al., "Wide neural networks of any depth evolve
 * as linear models under gradient descent" (2019), section 2.2.
 */

import { Modes } from "../descent/modes.js";
import { splitByEigenvectors } from "../descent/symmetric_matrix.js";

/** @typedef {import("./network.js").NetworkBatch} NetworkBatch */

/**
 * The loss by mode of the network that is linearised at some weights, from rest.
 * @param {NetworkBatch} batch All points.
 * @param {Float64Array} weights
 * @returns {Modes}
 */
export function linearisedModes(batch, weights) {
  batch.forward(weights);
  const numPoints = batch.targets.length;
  const errors = batch.outputs.map((output, p) => output - batch.targets[p]);
  const eigenvalues = splitByEigenvectors(tangentKernel(batch, weights), errors);
  const ofHessian = eigenvalues.map((value) => Math.max(0, value) / numPoints);
  return new Modes(ofHessian, errors, new Float64Array(numPoints), 0, numPoints);
}

/**
 * Tangent kernel between all points.
 * @param {NetworkBatch} batch With the hidden values at the weights.
 * @param {Float64Array} weights
 * @returns {Float64Array} `[P, P]`.
 */
function tangentKernel({ activation, width, numInputs, inputs, hidden, targets }, weights) {
  const numPoints = targets.length;
  const slopes = new Float64Array(hidden.length); // of the output in each weighted sum
  for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
    const row = slopes.subarray(start, start + numPoints).fill(weights[width * (numInputs + 1) + unit]);
    activation.multiplyByDerivative(row, hidden, start);
  }
  const kernel = new Float64Array(numPoints * numPoints);
  for (let p = 0; p < numPoints; p++) {
    for (let q = 0; q <= p; q++) {
      let ofOutput = 1;
      let ofHidden = 0;
      let ofInputs = 1;
      for (let d = 0; d < inputs.length; d += numPoints) ofInputs += inputs[d + p] * inputs[d + q];
      for (let start = 0; start < hidden.length; start += numPoints) {
        ofOutput += hidden[start + p] * hidden[start + q];
        ofHidden += slopes[start + p] * slopes[start + q];
      }
      kernel[p * numPoints + q] = ofOutput + ofInputs * ofHidden;
      kernel[q * numPoints + p] = kernel[p * numPoints + q];
    }
  }
  return kernel;
}
