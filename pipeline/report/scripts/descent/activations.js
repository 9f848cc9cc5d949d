/** Activation functions of rows of numbers in place, each with its derivatives written in terms of its own value. */

/**
 * @typedef {object} Activation
 * @property {boolean} kinked Whether its derivative jumps at 0.
 * @property {(rows: Float64Array, start: number, end: number) => void} apply Values g(z), over the z between two places.
 * @property {(gradient: Float64Array, values: Float64Array, start: number) => void} multiplyByDerivative
 *     Multiply a gradient by g'(z), given the values g(z) from a place on; at a kink that of the left side.
 * @property {(value: number) => number} secondDerivative g''(z), given g(z); 0 at a kink.
 */

/**
 * @param {any} fields
 * @returns {Activation}
 */
function leakyRelu({ slope }) {
  return {
    kinked: true,
    apply: (rows, start, end) => {
      for (let i = start; i < end; i++) rows[i] = rows[i] > 0 ? rows[i] : slope * rows[i];
    },
    multiplyByDerivative: (gradient, values, start) => {
      for (let i = 0; i < gradient.length; i++) {
        if (!(values[start + i] > 0)) gradient[i] *= slope;
      }
    },
    secondDerivative: () => 0,
  };
}

/** @type {Record<string, (fields: any) => Activation>} */
export const ACTIVATIONS = {
  relu: () => ({
    kinked: true,
    apply: (rows, start, end) => {
      for (let i = start; i < end; i++) rows[i] = rows[i] <= 0 ? 0 : rows[i]; // NaN stays NaN
    },
    multiplyByDerivative: (gradient, values, start) => {
      for (let i = 0; i < gradient.length; i++) gradient[i] = values[start + i] <= 0 ? 0 : gradient[i];
    },
    secondDerivative: () => 0,
  }),
  leaky_relu: leakyRelu,
  sigmoid: () => ({
    kinked: false,
    apply: (rows, start, end) => {
      for (let i = start; i < end; i++) rows[i] = 1 / (1 + Math.exp(-rows[i]));
    },
    multiplyByDerivative: (gradient, values, start) => {
      for (let i = 0; i < gradient.length; i++) gradient[i] *= values[start + i] * (1 - values[start + i]);
    },
    secondDerivative: (value) => value * (1 - value) * (1 - 2 * value),
  }),
  tanh: () => ({
    kinked: false,
    apply: (rows, start, end) => {
      for (let i = start; i < end; i++) rows[i] = Math.tanh(rows[i]);
    },
    multiplyByDerivative: (gradient, values, start) => {
      for (let i = 0; i < gradient.length; i++) gradient[i] *= 1 - values[start + i] * values[start + i];
    },
    secondDerivative: (value) => -2 * value * (1 - value * value),
  }),
  identity: () => ({
    kinked: false,
    apply: () => {},
    multiplyByDerivative: () => {},
    secondDerivative: () => 0,
  }),
};
