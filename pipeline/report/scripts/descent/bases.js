/**
 * Bases: functions of one variable numbered from 0, those of `models/bases/`, as rows of values at points.
 *
 * Shape letters: W functions, P points; rows are `[W, P]`, one function after another.
 */

import { LOCAL_BASES } from "../descent/local_bases.js";

/**
 * @typedef {object} Basis
 * @property {readonly [number, number] | null} domain Interval outside of which there are no functions; null: none.
 * @property {boolean} local Whether each function lives at a place of its own, so that of several inputs a mesh is taken.
 * @property {(x: Float64Array, width: number, fields: any) => Float64Array} rows Values, `[W, P]`.
 */

/**
 * A basis whose functions are formulas of a point and their number.
 * @param {(x: number, number: number, fields: any) => number} value
 * @returns {Basis}
 */
function byFormula(value) {
  return {
    domain: null,
    local: false,
    rows: (x, width, fields) =>
      Float64Array.from({ length: width * x.length }, (_, i) =>
        value(x[i % x.length], Math.floor(i / x.length), fields),
      ),
  };
}

/**
 * Polynomials 1, x and a recurrence of three terms, each times a factor.
 * @param {(x: number, n: number, value: number, before: number) => number} next That of degree n + 1.
 * @param {(n: number) => number} factor
 * @returns {Basis}
 */
function byRecurrence(next, factor) {
  return {
    domain: null,
    local: false,
    rows: (x, width) => {
      const numPoints = x.length;
      const rows = new Float64Array(width * numPoints);
      for (let p = 0; p < numPoints; p++) {
        let [before, value] = [1, x[p]];
        for (let n = 0; n < width; n++) {
          rows[n * numPoints + p] = (n === 0 ? 1 : value) * factor(n);
          if (n > 0) [before, value] = [value, next(x[p], n, value, before)];
        }
      }
      return rows;
    },
  };
}

/**
 * Van der Corput sequence: binary digits of an integer mirrored at the point.
 * @param {number} index
 * @returns {number}
 */
function vanDerCorput(index) {
  let [value, size] = [0, 0.5];
  for (let rest = index; rest > 0; rest = Math.floor(rest / 2)) {
    value += size * (rest % 2);
    size /= 2;
  }
  return value;
}

/**
 * Haar wavelet: function 2^j + k is +2^(j/2) on the left half of cell k of 2^j, and -2^(j/2) on the right.
 * @param {number} x
 * @param {number} number
 * @returns {number}
 */
function haar(x, number) {
  if (number === 0) return 1;
  const level = 31 - Math.clz32(number);
  const half = Math.floor(x * 2 ** level) + 2 ** level;
  const inside = Math.min(Math.max(half, 0), 2 ** (level + 1) - 1);
  if (2 ** level + Math.floor(inside / 2) !== number) return 0;
  return 2 ** (level / 2) * (inside % 2 ? -1 : 1);
}

/**
 * Function of the Fourier series 1, cos pi x, sin pi x, cos 2 pi x, ..., of mean square 1 on [-1, 1].
 * @param {number} x
 * @param {number} number
 * @returns {number}
 */
function fourier(x, number) {
  if (number === 0) return 1;
  const turn = Math.PI * Math.floor((number + 1) / 2) * x;
  return Math.SQRT2 * (number % 2 ? Math.cos(turn) : Math.sin(turn));
}

/** @type {Record<string, Basis>} */
export const BASES = {
  monomial: byFormula((x, n) => x ** n),
  legendre: byRecurrence(
    (x, n, value, before) => ((2 * n + 1) * x * value - n * before) / (n + 1),
    (n) => Math.sqrt(2 * n + 1),
  ),
  chebyshev: byRecurrence(
    (x, _, value, before) => 2 * x * value - before,
    () => 1,
  ),
  cosine: byFormula((x, k) => (k === 0 ? 1 : Math.SQRT2 * Math.cos((Math.PI / 2) * k * (x + 1)))),
  fourier: byFormula(fourier),
  haar: { ...byFormula(haar), domain: [-1, 1] },
  ridge: byFormula((x, k, { power }) => (k === 0 ? 1 : Math.max(x - (2 * vanDerCorput(k - 1) - 1), 0) ** power)),
  ...LOCAL_BASES,
};
