/** Initialisations of a network: distributions of the weights of a layer, those of `models/initialisations.py`. */

/** @typedef {import("./random_stream.js").RandomStream} RandomStream */

/**
 * @typedef {object} Initialisation
 * @property {(fanIn: number, fanOut: number, stream: RandomStream) => Float64Array} weights `[out, in]`.
 * @property {(weights: Float64Array, fanIn: number, fanOut: number, stream: RandomStream) => Float64Array} biases `[out]`.
 */

/**
 * Normal weights of mean 0, and biases of zero.
 * @param {(fanIn: number, fanOut: number) => number} deviation Standard deviation of a weight.
 * @returns {Initialisation}
 */
function normal(deviation) {
  return {
    weights: (fanIn, fanOut, stream) => {
      const scale = deviation(fanIn, fanOut);
      return stream.standardNormal(fanIn * fanOut).map((number) => scale * number);
    },
    biases: (_, __, fanOut) => new Float64Array(fanOut),
  };
}

const he = normal((fanIn) => Math.sqrt(2 / fanIn));

/** @type {Record<string, Initialisation>} */
export const INITIALISATIONS = {
  uniform_fan_in: {
    weights: (fanIn, fanOut, stream) => stream.uniform(-1, 1, fanIn * fanOut).map((x) => x / Math.sqrt(fanIn)),
    biases: (_, fanIn, fanOut, stream) => stream.uniform(-1, 1, fanOut).map((x) => x / Math.sqrt(fanIn)),
  },
  he,
  kinks_inside: {
    weights: he.weights,
    biases: (weights, fanIn, fanOut, stream) => {
      const bends = stream.uniform(-1, 1, weights.length);
      return Float64Array.from({ length: fanOut }, (_, unit) => {
        let sum = 0;
        for (let i = unit * fanIn; i < (unit + 1) * fanIn; i++) sum += weights[i] * bends[i];
        return -sum;
      });
    },
  },
  glorot: normal((fanIn, fanOut) => Math.sqrt(2 / (fanIn + fanOut))),
  lecun: normal((fanIn) => Math.sqrt(1 / fanIn)),
};
