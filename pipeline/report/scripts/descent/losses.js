/**
 * Losses of K outputs, means over the points of the sum over the outputs, those of `problems/losses.py`; outputs are logits
 * where targets are labels or classes.
 *
 * Shape letters: K outputs, P points; outputs, targets and slopes are `[K, P]`, one output after another.
 */

/** @typedef {(changes: Float64Array) => void} Curvature Multiplies `[K, P]` by the Hessian in the outputs, in place. */

/**
 * @typedef {object} Loss
 * @property {readonly string[]} tasks What it is a loss of.
 * @property {number} largestCurvature Supremum of the largest eigenvalue of the Hessian of one point's loss in its outputs.
 * @property {boolean} quadratic Whether that is constant.
 * @property {(outputs: Float64Array, targets: Float64Array, slopes: Float64Array, numPoints: number) => number} evaluate
 *     The loss; overwrites the slopes by its gradient in the outputs, the factor 1/P included.
 * @property {(outputs: Float64Array, targets: Float64Array, numPoints: number) => Curvature} curvatureAt
 *     The Hessian in the outputs, the factor 1/P included.
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

/**
 * The curvature of a loss in which each output counts by itself.
 * @param {(output: number, target: number) => number} second Second derivative of one output's part.
 * @returns {Loss["curvatureAt"]}
 */
function ofEachOutput(second) {
  return (outputs, targets, numPoints) => {
    const curvatures = outputs.map((output, i) => second(output, targets[i]) / numPoints);
    return (changes) => {
      for (let i = 0; i < changes.length; i++) changes[i] *= curvatures[i];
    };
  };
}

/**
 * The logarithm of the odds against the right class, and the softmax over the wrong ones.
 * @param {Float64Array} outputs
 * @param {Float64Array} targets One-hot.
 * @param {number} point
 * @param {number} numPoints
 * @param {Float64Array} others `[K, P]`, of which those of the point are overwritten; 0 for the right class.
 * @returns {number}
 */
function logOddsAgainst(outputs, targets, point, numPoints, others) {
  let [largest, right, sum] = [-Infinity, NaN, 0];
  for (let i = point; i < outputs.length; i += numPoints) {
    if (targets[i] > 0.5) right = outputs[i];
    else if (outputs[i] > largest) largest = outputs[i];
  }
  for (let i = point; i < outputs.length; i += numPoints) {
    others[i] = targets[i] > 0.5 ? 0 : Math.exp(outputs[i] - largest);
    sum += others[i];
  }
  for (let i = point; i < outputs.length; i += numPoints) others[i] /= sum;
  return largest + Math.log(sum) - right;
}

/**
 * Softmax over the classes at each point.
 * @param {Float64Array} outputs `[K, P]`.
 * @param {number} numPoints
 * @returns {Float64Array} `[K, P]`.
 */
export function softmax(outputs, numPoints) {
  const probabilities = new Float64Array(outputs.length);
  for (let p = 0; p < numPoints; p++) {
    let [largest, sum] = [-Infinity, 0];
    for (let i = p; i < outputs.length; i += numPoints) largest = Math.max(largest, outputs[i]);
    for (let i = p; i < outputs.length; i += numPoints) sum += probabilities[i] = Math.exp(outputs[i] - largest);
    for (let i = p; i < outputs.length; i += numPoints) probabilities[i] /= sum;
  }
  return probabilities;
}

/** @type {Record<string, Loss>} */
export const LOSSES = {
  half_mean_square: {
    tasks: ["regression", "labels", "classes"],
    largestCurvature: 1,
    quadratic: true,
    evaluate: (outputs, targets, slopes, numPoints) => {
      let sum = 0;
      for (let i = 0; i < outputs.length; i++) {
        const residual = outputs[i] - targets[i];
        sum += residual * residual;
        slopes[i] = residual / numPoints;
      }
      return sum / (2 * numPoints);
    },
    curvatureAt: (_, __, numPoints) => (changes) => {
      for (let i = 0; i < changes.length; i++) changes[i] /= numPoints;
    },
  },
  softmax_cross_entropy: {
    tasks: ["classes"],
    largestCurvature: 0.5,
    quadratic: false,
    evaluate: (outputs, targets, slopes, numPoints) => {
      let sum = 0;
      for (let p = 0; p < numPoints; p++) {
        const against = logOddsAgainst(outputs, targets, p, numPoints, slopes);
        const wrong = sigmoid(against) / numPoints;
        sum += softplus(against);
        for (let i = p; i < outputs.length; i += numPoints) slopes[i] = wrong * (slopes[i] - targets[i]);
      }
      return sum / numPoints;
    },
    curvatureAt: (outputs, _, numPoints) => {
      const probabilities = softmax(outputs, numPoints);
      return (changes) => {
        for (let p = 0; p < numPoints; p++) {
          let mean = 0;
          for (let i = p; i < changes.length; i += numPoints) mean += probabilities[i] * changes[i];
          for (let i = p; i < changes.length; i += numPoints) changes[i] = (probabilities[i] * (changes[i] - mean)) / numPoints;
        }
      };
    },
  },
  binary_cross_entropy: {
    tasks: ["labels"],
    largestCurvature: 0.25,
    quadratic: false,
    evaluate: (outputs, targets, slopes, numPoints) => {
      let sum = 0;
      for (let i = 0; i < outputs.length; i++) {
        const sign = 1 - 2 * targets[i];
        sum += softplus(sign * outputs[i]);
        slopes[i] = (sign * sigmoid(sign * outputs[i])) / numPoints;
      }
      return sum / numPoints;
    },
    curvatureAt: ofEachOutput((output) => sigmoid(output) * sigmoid(-output)),
  },
  brier_score: {
    tasks: ["labels"],
    largestCurvature: (39 + 55 * Math.sqrt(33)) / 2304,
    quadratic: false,
    evaluate: (outputs, targets, slopes, numPoints) => {
      let sum = 0;
      for (let i = 0; i < outputs.length; i++) {
        const sign = 1 - 2 * targets[i];
        const wrong = sigmoid(sign * outputs[i]);
        sum += wrong * wrong;
        slopes[i] = (2 * sign * wrong * wrong * sigmoid(-sign * outputs[i])) / numPoints;
      }
      return sum / numPoints;
    },
    curvatureAt: ofEachOutput((output, target) => {
      const away = (1 - 2 * target) * output;
      const wrong = sigmoid(away);
      return 2 * wrong * (2 - 3 * wrong) * wrong * sigmoid(-away);
    }),
  },
};
