/** Distributions of the inputs, those of `problems/measures.py`, drawn from the same streams. */

/** @typedef {import("./random_stream.js").RandomStream} RandomStream */

/**
 * @typedef {object} Measure
 * @property {(numPoints: number, dimension: number, fields: any, stream: RandomStream) => Float64Array} sample
 *     Points, `[P, D]`, one after another.
 * @property {(fields: any) => [number, number]} bounds Ends between which every coordinate of every point lies.
 * @property {(numPoints: number, dimension: number, fields: any) => string | null} complaint
 *     Why there is no such sample, in a sentence; null where there is one.
 * @property {(dimension: number) => [number, number]} sizes Default numbers of training and test points.
 */

/**
 * @param {number} numPoints
 * @param {number} dimension
 * @returns {number} The largest integer whose power is at most the number of points.
 */
function integerRoot(numPoints, dimension) {
  let side = 1;
  while ((side + 1) ** dimension <= numPoints) side += 1;
  return side;
}

/**
 * @param {any} fields Of a cube.
 * @returns {string | null}
 */
function intervalComplaint({ low, high }) {
  return low < high ? null : `high must be above low, and ${high} is not above ${low}.`;
}

/** @type {() => [number, number]} */
const usualSizes = () => [256, 4096];

/** @type {Record<string, Measure>} */
export const MEASURES = {
  uniform: {
    sample: (numPoints, dimension, { low, high }, stream) => stream.uniform(low, high, numPoints * dimension),
    bounds: ({ low, high }) => [low, high],
    complaint: (_, __, fields) => intervalComplaint(fields),
    sizes: usualSizes,
  },
  grid: {
    sample: (numPoints, dimension, { low, high }) => {
      const side = integerRoot(numPoints, dimension);
      return Float64Array.from({ length: numPoints * dimension }, (_, i) => {
        const [point, axis] = [Math.floor(i / dimension), i % dimension];
        const place = Math.floor(point / side ** (dimension - 1 - axis)) % side;
        return low + ((high - low) * (place + 0.5)) / side;
      });
    },
    bounds: ({ low, high }) => [low, high],
    complaint: (numPoints, dimension, fields) => {
      const side = integerRoot(numPoints, dimension);
      if (side ** dimension === numPoints) return intervalComplaint(fields);
      return `${numPoints} points do not fill a grid: take ${side ** dimension} or ${(side + 1) ** dimension}.`;
    },
    sizes: (dimension) => [
      Math.round(256 ** (1 / dimension)) ** dimension,
      Math.round(4096 ** (1 / dimension)) ** dimension,
    ],
  },
  normal: {
    sample: (numPoints, dimension, { scale }, stream) =>
      stream.standardNormal(numPoints * dimension).map((number) => scale * number),
    bounds: () => [-Infinity, Infinity],
    complaint: () => null,
    sizes: usualSizes,
  },
  corners: {
    sample: (numPoints, dimension) =>
      Float64Array.from({ length: numPoints * dimension }, (_, i) => {
        const [point, axis] = [Math.floor(i / dimension), i % dimension];
        return Math.floor(point / 2 ** (dimension - 1 - axis)) % 2;
      }),
    bounds: () => [0, 1],
    complaint: (numPoints, dimension) =>
      numPoints % 2 ** dimension === 0
        ? null
        : `${numPoints} points do not hold each corner equally often: take a multiple of ${2 ** dimension}.`,
    sizes: (dimension) => [2 ** dimension, 2 ** dimension],
  },
  rings: {
    sample: (numPoints, _, { inner, outer, blur }, stream) => {
      const radii = stream.random(numPoints).map((number) => (number < 0.5 ? inner : outer));
      const shifts = stream.uniform(-1, 1, numPoints);
      const angles = stream.uniform(-Math.PI, Math.PI, numPoints);
      return Float64Array.from({ length: 2 * numPoints }, (_, i) => {
        const point = i >> 1;
        const radius = radii[point] + blur * shifts[point];
        return radius * (i % 2 ? Math.sin(angles[point]) : Math.cos(angles[point]));
      });
    },
    bounds: ({ outer, blur }) => [-outer - blur, outer + blur],
    complaint: (_, dimension, { inner, outer }) => {
      if (dimension !== 2) return "Rings lie in the plane: set dimension to 2.";
      return inner < outer ? null : `The inner radius ${inner} must be below the outer ${outer}.`;
    },
    sizes: usualSizes,
  },
};
