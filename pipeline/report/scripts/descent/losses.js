/**
 * Losses of one output, means over the points, those of `problems/losses.py`; outputs are logits where targets are labels.
 *
 * Cross-entropy of classes is not among them: no target function has classes.
 */

/**
 * @typedef {object} Loss
 * @property {readonly string[]} tasks What it is a loss of.
 * @property {number} largestCurvature Supremum of the second derivative of one point's loss in its output.
 * @property {boolean} quadratic Whether that is constant.
 * @property {(outputs: Float64Array, targets: Float64Array, slopes: Float64Array) => number} evaluate
 *     The loss; overwrites the slopes by its gradient in the outputs, the factor 1/P included.
 * @property {(output: number, target: number) => number} curvature Second derivative of one point's loss.
 */

/**
 * Logarithm of 1 + exp(z), linear from 40 on, as in PyTorch with the threshold of the reference.
 * @param {number} z
 * @returns {number}
 */
function softplus(z) {
  return z > 40 ? z : Math.log1p(Math.exp(z));
}

/**
 * @param {number} z
 * @returns {number}
 */
function sigmoid(z) {
  return 1 / (1 + Math.exp(-z));
}

/** @type {Record<string, Loss>} */
export const LOSSES = {
  half_mean_square: {
    tasks: ["regression", "labels"],
    largestCurvature: 1,
    quadratic: true,
    evaluate: (outputs, targets, slopes) => {
      const numPoints = outputs.length;
      let sum = 0;
      for (let p = 0; p < numPoints; p++) {
        const residual = outputs[p] - targets[p];
        sum += residual * residual;
        slopes[p] = residual / numPoints;
      }
      return sum / (2 * numPoints);
    },
    curvature: () => 1,
  },
  binary_cross_entropy: {
    tasks: ["labels"],
    largestCurvature: 0.25,
    quadratic: false,
    evaluate: (outputs, targets, slopes) => {
      const numPoints = outputs.length;
      let sum = 0;
      for (let p = 0; p < numPoints; p++) {
        const sign = 1 - 2 * targets[p];
        sum += softplus(sign * outputs[p]);
        slopes[p] = (sign * sigmoid(sign * outputs[p])) / numPoints;
      }
      return sum / numPoints;
    },
    curvature: (output) => sigmoid(output) * sigmoid(-output),
  },
  brier_score: {
    tasks: ["labels"],
    largestCurvature: (39 + 55 * Math.sqrt(33)) / 2304,
    quadratic: false,
    evaluate: (outputs, targets, slopes) => {
      const numPoints = outputs.length;
      let sum = 0;
      for (let p = 0; p < numPoints; p++) {
        const sign = 1 - 2 * targets[p];
        const wrong = sigmoid(sign * outputs[p]);
        sum += wrong * wrong;
        slopes[p] = (2 * sign * wrong * wrong * sigmoid(-sign * outputs[p])) / numPoints;
      }
      return sum / numPoints;
    },
    curvature: (output, target) => {
      const away = (1 - 2 * target) * output;
      const wrong = sigmoid(away);
      return 2 * wrong * (2 - 3 * wrong) * wrong * sigmoid(-away);
    },
  },
};
