/** Target functions of one and two inputs, those of `problems/targets.py`. */

/**
 * @typedef {object} Target
 * @property {number | null} dimensions The only number of inputs it is a function of; null: any.
 * @property {"regression" | "labels" | "classes"} task What its value means; of classes it is the number of one.
 * @property {string} measure Default distribution of its inputs.
 * @property {(fields: any, x: Float64Array) => number} value Its value at a point.
 * @property {(fields: any) => number} [classes] K, of a target of classes.
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
 * Straight lines between knots, level beyond the first and the last.
 * @param {number} x
 * @param {{knots: number[], values: number[]}} fields Knots increase.
 * @returns {number}
 */
function piecewiseLinear(x, { knots, values }) {
  const right = knots.findIndex((knot) => knot >= x);
  if (right === -1) return values[values.length - 1];
  if (right === 0) return values[0];
  const [left, low] = [knots[right - 1], values[right - 1]];
  return low + ((values[right] - low) * (x - left)) / (knots[right] - left);
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
  piecewise_linear: ofOneInput(piecewiseLinear),
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
  spirals: {
    dimensions: 2,
    task: "classes",
    measure: "uniform",
    classes: ({ classes }) => classes,
    value: ({ classes, turns }, x) => {
      const whole = Math.atan2(x[1], x[0]) / (2 * Math.PI) + turns * Math.sqrt(squaredLength(x));
      return Math.min(Math.floor(classes * (whole - Math.floor(whole))), classes - 1); // a part may round to 1
    },
  },
};
