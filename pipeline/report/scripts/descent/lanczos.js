/**
 * Largest eigenvalue of a symmetric operator, by Lanczos with full reorthogonalisation and a bound on its error.
 *
 * It is the method of `numerics/largest_eigenvalues.py`, from the same start vector: some eigenvalue lies within the
 * residual `|H x - theta x|`, and a start with a component in every eigenspace cannot miss the largest.
 *
 * Source: Golub, Van Loan, Matrix Computations (4th ed.), sections 10.1 and 10.3.
 */

import { RandomStream } from "../descent/random_stream.js";
import { diagonalise } from "../descent/tridiagonal.js";

const TOLERANCE = 1e-8;
const MOST_PRODUCTS = 100;
const CHECKED_EVERY = 2;

/** @typedef {(vector: Float64Array, product: Float64Array) => void} Operator */

/**
 * @param {Float64Array} a
 * @param {Float64Array} b
 * @returns {number}
 */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/**
 * Take the components in a basis away from a vector; twice is enough (Parlett, section 6.9).
 * @param {Float64Array} vector Changed.
 * @param {Float64Array[]} basis Orthonormal.
 */
function orthogonalise(vector, basis) {
  for (let pass = 0; pass < 2; pass++) {
    for (const direction of basis) {
      const part = dot(vector, direction);
      for (let i = 0; i < vector.length; i++) vector[i] -= part * direction[i];
    }
  }
}

/**
 * Largest algebraic eigenvalue.
 * @param {Operator} multiply Writes the product of the operator with a vector.
 * @param {number} size N.
 * @returns {number} NaN where it is not certain within a relative 1e-8 after 100 products, or not finite.
 */
export function largestEigenvalue(multiply, size) {
  const start = new RandomStream("lanczos", size).standardNormal(size);
  const length = Math.sqrt(dot(start, start));
  const basis = [start.map((number) => number / length)];
  /** @type {number[]} */
  const diagonal = [];
  /** @type {number[]} */
  const offDiagonal = [];
  const mostProducts = Math.min(MOST_PRODUCTS, size);
  for (let step = 1; step <= mostProducts; step++) {
    const vector = new Float64Array(size);
    multiply(basis[step - 1], vector);
    diagonal.push(dot(basis[step - 1], vector));
    orthogonalise(vector, basis);
    const left = Math.sqrt(dot(vector, vector));
    const noise = Number.EPSILON * Math.sqrt(size) * Math.max(...diagonal.map(Math.abs), ...offDiagonal);
    const exhausted = left <= noise; // the space is invariant: it holds what the start has a part in
    offDiagonal.push(exhausted ? 0 : left);
    if (!Number.isFinite(left)) return NaN;
    if (exhausted || step === mostProducts || step % CHECKED_EVERY === 0) {
      const { value, residual } = topOf(diagonal, offDiagonal);
      if (residual <= TOLERANCE * Math.abs(value)) return value;
      if (exhausted) return NaN;
    }
    basis.push(vector.map((number) => number / left));
  }
  return NaN;
}

/**
 * Largest Ritz value, and its residual.
 * @param {number[]} diagonal
 * @param {number[]} offDiagonal Of which the last couples with the next vector.
 * @returns {{value: number, residual: number}}
 */
function topOf(diagonal, offDiagonal) {
  const values = Float64Array.from(diagonal);
  const last = new Float64Array(values.length);
  last[last.length - 1] = 1;
  diagonalise(values, Float64Array.from(offDiagonal), [last]);
  let top = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[top]) top = i;
  return { value: values[top], residual: offDiagonal[offDiagonal.length - 1] * Math.abs(last[top]) };
}
