/**
 * Features of a linear model: functions of a basis, of two inputs products of one function of each, or random features.
 *
 * Shape letters: W features, P points, D inputs; features are `[W, P]`, inputs `[P, D]`.
 */

import { BASES } from "../descent/bases.js";
import { RandomStream } from "../descent/random_stream.js";

/** @typedef {import("./definitions.js").Definition} Definition */
/** @typedef {(inputs: Float64Array, width: number, dimension: number, fields: any) => Float64Array} RandomFeatures */

/**
 * Weighted sums of inputs.
 * @param {Float64Array} inputs `[P, D]`.
 * @param {Float64Array} weights `[W, A]` with A at least D, of which the first D of each row count.
 * @param {number} dimension
 * @param {number} columns A.
 * @returns {Float64Array} `[W, P]`.
 */
function weightedSums(inputs, weights, dimension, columns) {
  const numPoints = inputs.length / dimension;
  return Float64Array.from({ length: (weights.length / columns) * numPoints }, (_, i) => {
    const [unit, point] = [Math.floor(i / numPoints), i % numPoints];
    let sum = 0;
    for (let d = 0; d < dimension; d++) sum += inputs[point * dimension + d] * weights[unit * columns + d];
    return sum;
  });
}

/** @type {Record<string, RandomFeatures>} */
const RANDOM_FEATURES = {
  random_fourier: (inputs, width, dimension, { scale, seed }) => {
    const numPairs = (width + 1) >> 1;
    const frequencies = new RandomStream("random_fourier", seed).standardNormal(numPairs * dimension);
    const turns = weightedSums(inputs, frequencies.map((frequency) => frequency / scale), dimension, dimension);
    const numPoints = inputs.length / dimension;
    return Float64Array.from({ length: width * numPoints }, (_, i) => {
      const [number, point] = [Math.floor(i / numPoints), i % numPoints];
      const turn = turns[(number >> 1) * numPoints + point];
      return Math.SQRT2 * (number % 2 ? Math.sin(turn) : Math.cos(turn));
    });
  },
  random_relu: (inputs, width, dimension, { seed }) => {
    const weights = new RandomStream("random_relu", seed).standardNormal(width * (dimension + 1));
    const numPoints = inputs.length / dimension;
    return weightedSums(inputs, weights, dimension, dimension + 1).map((sum, i) => {
      const bias = weights[Math.floor(i / numPoints) * (dimension + 1) + dimension];
      return Math.SQRT2 * Math.max(sum + bias, 0);
    });
  },
};

/**
 * Which function of each input a feature is the product of: by total degree, or by the largest; ties in lexicographic order
 * from the right.
 * @param {number} width How many features.
 * @param {number} dimension D.
 * @param {boolean} full By the largest.
 * @returns {number[][]}
 */
export function multiIndices(width, dimension, full) {
  /** @type {number[][]} */
  const found = [];
  for (let degree = 0; found.length < width; degree++) found.push(...ofDegree(degree, dimension, full, width));
  return found.slice(0, width);
}

/**
 * The first multi-indices of one degree.
 * @param {number} degree Their sum, or the largest of them.
 * @param {number} dimension D.
 * @param {boolean} full Whether it is the largest.
 * @param {number} most How many at most.
 * @returns {number[][]}
 */
function ofDegree(degree, dimension, full, most) {
  if (dimension === 1) return [[degree]];
  /** @type {number[][]} */
  const found = [];
  for (let last = 0; last <= degree && found.length < most; last++) {
    const atTop = full && last === degree, left = full ? degree : degree - last;
    const lower = atTop ? upToDegree(degree, dimension - 1, most) : ofDegree(left, dimension - 1, full, most);
    found.push(...lower.map((numbers) => [...numbers, last]));
  }
  return found;
}

/**
 * The first multi-indices of which none is above a degree.
 * @param {number} degree
 * @param {number} dimension D.
 * @param {number} most How many at most.
 * @returns {number[][]}
 */
function upToDegree(degree, dimension, most) {
  if (dimension === 0) return [[]];
  const lower = upToDegree(degree, dimension - 1, most);
  /** @type {number[][]} */
  const found = [];
  for (let last = 0; last <= degree && found.length < most; last++) {
    found.push(...lower.map((numbers) => [...numbers, last]));
  }
  return found;
}

/**
 * Distance from the origin and angle, in units of pi, of points of the plane.
 * @param {Float64Array} inputs `[P, 2]`.
 * @returns {Float64Array} `[P, 2]`.
 */
export function polarCoordinates(inputs) {
  return inputs.map((_, i) => {
    const [x, y] = [inputs[i & ~1], inputs[i | 1]];
    return i % 2 ? Math.atan2(y, x) / Math.PI : Math.sqrt(x * x + y * y);
  });
}

/**
 * The basis whose functions a linear or greedy model takes.
 * @param {Definition} model
 * @returns {Definition}
 */
export function basisOf(model) {
  return model.fields.basis ?? model.fields.dictionary;
}

/**
 * One coordinate of every point.
 * @param {Float64Array} inputs `[P, D]`.
 * @param {number} axis
 * @param {number} dimension
 * @returns {Float64Array} `[P]`.
 */
function coordinate(inputs, axis, dimension) {
  return inputs.filter((_, i) => i % dimension === axis);
}

/**
 * Interval outside of which a basis has no functions.
 * @param {Definition} basis
 * @returns {readonly [number, number]}
 */
export function domainOf(basis) {
  return BASES[basis.name]?.domain ?? [-Infinity, Infinity];
}

/**
 * Whether features of a basis are products that can be taken in more than one order.
 * @param {Definition} basis
 * @returns {boolean}
 */
export function hasOrderOfProducts(basis) {
  return basis.name in BASES && !BASES[basis.name].local;
}

/**
 * Whether features of several inputs are all products of a mesh.
 * @param {Definition} basis
 * @returns {boolean}
 */
export function fillsMesh(basis) {
  return BASES[basis.name]?.local ?? false;
}

/**
 * Features of a linear model at points inside the domain of its basis.
 * @param {Definition} model A linear model.
 * @param {Float64Array} inputs `[P, D]`.
 * @param {number} width W.
 * @param {number} dimension D.
 * @returns {Float64Array} `[W, P]`.
 */
export function featuresOf(model, inputs, width, dimension) {
  const { product, coordinates } = model.fields, basis = basisOf(model);
  const places = coordinates === "polar" ? polarCoordinates(inputs) : inputs;
  const random = RANDOM_FEATURES[basis.name];
  if (random) return random(places, width, dimension, basis.fields);
  const { rows, local } = BASES[basis.name];
  if (dimension === 1) return rows(places, width, basis.fields);
  const indices = multiIndices(width, dimension, local || product === "full");
  const numPoints = places.length / dimension;
  const factors = Array.from({ length: dimension }, (_, axis) => {
    const most = Math.max(...indices.map((numbers) => numbers[axis])) + 1;
    return rows(coordinate(places, axis, dimension), most, basis.fields);
  });
  return Float64Array.from({ length: width * numPoints }, (_, i) => {
    const [numbers, point] = [indices[Math.floor(i / numPoints)], i % numPoints];
    return numbers.reduce((value, number, axis) => value * factors[axis][number * numPoints + point], 1);
  });
}
