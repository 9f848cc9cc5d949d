/** Update rules: how the gradient moves the weights, those of `optimizers/rules.py`. */

/**
 * @typedef {object} UpdateRule
 * @property {number} slots Arrays of the size of the weights that it remembers; zero at the start.
 * @property {number | null} stabilityFactor Largest stable rate on a quadratic times the largest eigenvalue of the Hessian.
 * @property {{momentum: number, nesterov: boolean} | null} recurrence Of its steps on a quadratic, where there is one.
 * @property {(weights: Float64Array, gradient: Float64Array, slots: Float64Array[], rate: number, step: number) => void}
 *     update Move the weights; the number of the update counts from 1.
 */

/** @type {Record<string, (fields: any) => UpdateRule>} */
export const UPDATE_RULES = {
  gradient_descent: () => ({
    slots: 0,
    stabilityFactor: 2,
    recurrence: { momentum: 0, nesterov: false },
    update: (weights, gradient, _, rate) => {
      for (let i = 0; i < weights.length; i++) weights[i] -= rate * gradient[i];
    },
  }),
  momentum: ({ momentum }) => ({
    slots: 1,
    stabilityFactor: 2 * (1 + momentum),
    recurrence: { momentum, nesterov: false },
    update: (weights, gradient, [velocity], rate) => {
      for (let i = 0; i < weights.length; i++) {
        velocity[i] = momentum * velocity[i] + gradient[i];
        weights[i] -= rate * velocity[i];
      }
    },
  }),
  nesterov: ({ momentum }) => ({
    slots: 1,
    stabilityFactor: (2 + 2 * momentum) / (1 + 2 * momentum),
    recurrence: { momentum, nesterov: true },
    update: (weights, gradient, [velocity], rate) => {
      for (let i = 0; i < weights.length; i++) {
        velocity[i] = momentum * velocity[i] + gradient[i];
        weights[i] -= rate * (gradient[i] + momentum * velocity[i]);
      }
    },
  }),
  adam: ({ beta1, beta2, epsilon }) => ({
    slots: 2,
    stabilityFactor: null,
    recurrence: null,
    update: (weights, gradient, [mean, square], rate, step) => {
      const corrected = rate / (1 - beta1 ** step);
      const root = Math.sqrt(1 - beta2 ** step);
      for (let i = 0; i < weights.length; i++) {
        mean[i] += (1 - beta1) * (gradient[i] - mean[i]);
        square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i];
        weights[i] -= corrected * (mean[i] / (Math.sqrt(square[i]) / root + epsilon));
      }
    },
  }),
};
