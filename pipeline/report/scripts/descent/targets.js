/** Target functions of one and two inputs, those of `problems/targets.py`. */

/**
 * @typedef {object} Target
 * @property {number | null} dimensions The only number of inputs it is a function of; null: any.
 * @property {"regression" | "labels"} task What its value means.
 * @property {string} measure Default distribution of its inputs.
 * @property {(fields: any, x: Float64Array) => number} value Its value at a point.
 */

/**
 * @param {(x: number, fields: any) => number} value
 * @returns {Target}
 */
function ofOneInput(value) {
  return { dimensions: 1, task: "regression", measure: "uniform", value: (fields, x) => value(x[0], fields) };
}

/**
 * Chebyshev polynomial cos(degree arccos x), by the recurrence of Clenshaw.
 * @param {number} x
 * @param {number} degree
 * @returns {number}
 */
function chebyshev(x, degree) {
  if (degree === 0) return 1;
  let [before, last] = [0, 1];
  for (let n = degree - 1; n > 0; n--) [before, last] = [-last, before + last * (2 * x)];
  return before + last * x;
}

/**
 * Sum of the squares of the coordinates of a point.
 * @param {Float64Array} x
 * @returns {number}
 */
function squaredLength(x) {
  return x.reduce((sum, coordinate) => sum + coordinate * coordinate, 0);
}

/** @type {Record<string, Target>} */
export const TARGETS = {
  absolute_value: {
    ...ofOneInput(Math.abs),
    dimensions: null,
    value: (_, x) => x.reduce((product, coordinate) => product * Math.abs(coordinate), 1),
  },
  step: ofOneInput((x, { at }) => (x >= at ? 1 : 0)),
  sine: ofOneInput((x, { frequency }) => Math.sin(Math.PI * frequency * x)),
  runge: ofOneInput((x) => 1 / (1 + 25 * (x * x))),
  x_squared: ofOneInput((x) => x * x),
  one_plus_power: ofOneInput((x, { power }) => 1 + x ** power),
  chebyshev_polynomial: ofOneInput((x, { degree }) => chebyshev(x, degree)),
  gaussian: {
    ...ofOneInput(Math.abs),
    dimensions: null,
    value: ({ scale }, x) => Math.exp(-squaredLength(x) / (2 * scale ** 2)),
  },
  xor: {
    dimensions: 2,
    task: "labels",
    measure: "corners",
    value: (_, x) => (x[0] > 0.5 === x[1] > 0.5 ? 0 : 1),
  },
  outer_ring: {
    dimensions: 2,
    task: "labels",
    measure: "rings",
    value: ({ radius }, x) => (Math.sqrt(squaredLength(x)) > radius ? 1 : 0),
  },
};

/**
 * A drawn function: straight lines between its places, and constant beyond the first and the last.
 * @param {readonly (readonly [number, number])[]} places Coordinates x and y, one at least, in any order.
 * @returns {Target}
 */
export function drawnTarget(places) {
  const sorted = [...places].sort((a, b) => a[0] - b[0]);
  return ofOneInput((x) => {
    const right = sorted.findIndex((place) => place[0] >= x);
    if (right === -1) return sorted[sorted.length - 1][1];
    if (right === 0) return sorted[0][1];
    const [[x0, y0], [x1, y1]] = [sorted[right - 1], sorted[right]];
    return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
  });
}
