/**
 * Singular values of a matrix and the parts of a vector along its left singular vectors: Householder, then Jacobi.
 *
 * Rotations from one side keep the digits of small singular values, of which eigenvalues of the Gram matrix lose half.
 *
 * Shape letters: P rows, F columns, S singular values; a matrix is its columns, `[F, P]`, one after another.
 *
 * Source: Demmel, Veselic, "Jacobi's method is more accurate than QR" (1992); Golub, Van Loan, Matrix Computations (4th
 * ed.), sections 5.2.1 and 8.6.3.
 */

const MOST_SWEEPS = 40;

/** The singular values of a matrix with its left singular vectors, along which vectors are split. */
export class LeftSingularVectors {
  #size;
  #numRows;
  /** @type {Reflection[]} */
  #reflections;
  /** Left singular vectors after the reflections; null of a value below rounding. @type {(Float64Array | null)[]} */
  #directions;

  /**
   * @param {Float64Array} columns `[F, P]`; stays.
   * @param {number} numRows P.
   */
  constructor(columns, numRows) {
    const numColumns = columns.length / numRows;
    const wide = numColumns > numRows;
    this.#numRows = numRows;
    this.#size = Math.min(numRows, numColumns);
    const { triangle, reflections } = wide
      ? triangular(transposed(columns, numRows), numColumns)
      : triangular(columns, numRows);
    this.#reflections = wide ? [] : reflections;
    const square = wide ? transposed(triangle, this.#size) : triangle;
    rotate(square, this.#size);
    const lengths = Float64Array.from({ length: this.#size }, (_, s) => lengthOf(square, s, this.#size));
    const order = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a]);
    /** Singular values, `[S]` with S the smaller of P and F, the largest first. */
    this.values = Float64Array.from(order, (s) => lengths[s]);
    const rounding = this.values[0] * Math.max(numRows, numColumns) * Number.EPSILON;
    this.#directions = order.map((s) =>
      lengths[s] > rounding
        ? square.subarray(s * this.#size, (s + 1) * this.#size).map((x) => x / lengths[s])
        : null,
    );
  }

  /**
   * Parts of a vector along the left singular vectors.
   * @param {Float64Array} vector `[P]`.
   * @returns {{parts: Float64Array, remainder: number}} `[S]`, and the square of what lies in none of their directions.
   *     A part along a vector whose value is below rounding is 0: no column reaches there, and it is in the remainder.
   */
  split(vector) {
    const rest = vector.slice();
    for (const { normal, square } of this.#reflections) reflect(rest.subarray(this.#numRows - normal.length), normal, square);
    const inside = rest.slice(0, this.#size);
    const parts = Float64Array.from(
      this.#directions,
      (direction) => direction?.reduce((sum, x, k) => sum + x * inside[k], 0) ?? 0,
    );
    this.#directions.forEach((direction, s) => direction?.forEach((x, k) => (rest[k] -= parts[s] * x)));
    return { parts, remainder: sumOfSquares(rest) };
  }
}

/** @typedef {{normal: Float64Array, square: number}} Reflection At the plane across a normal, with its squared length. */

/**
 * Singular values alone.
 * @param {Float64Array} columns `[F, P]`.
 * @param {number} numRows P.
 * @returns {Float64Array} The largest first.
 */
export function singularValues(columns, numRows) {
  const numColumns = columns.length / numRows;
  const wide = numColumns > numRows;
  const { triangle } = triangular(wide ? transposed(columns, numRows) : columns, Math.max(numRows, numColumns));
  const size = Math.min(numRows, numColumns);
  const square = transposed(triangle, size); // its lower triangle, of which Jacobi's method needs fewer sweeps
  rotate(square, size);
  const values = Float64Array.from({ length: size }, (_, s) => lengthOf(square, s, size));
  return values.sort().reverse();
}

/**
 * @param {Float64Array} columns
 * @param {number} numRows
 * @returns {Float64Array} Columns of the transposed matrix.
 */
function transposed(columns, numRows) {
  const numColumns = columns.length / numRows;
  return columns.map((_, i) => columns[(i % numColumns) * numRows + Math.floor(i / numColumns)]);
}

/**
 * @param {Float64Array} numbers
 * @returns {number}
 */
function sumOfSquares(numbers) {
  return numbers.reduce((sum, number) => sum + number * number, 0);
}

/**
 * @param {Float64Array} square Columns of a square matrix.
 * @param {number} column
 * @param {number} size
 * @returns {number}
 */
function lengthOf(square, column, size) {
  return Math.sqrt(sumOfSquares(square.subarray(column * size, (column + 1) * size)));
}

/**
 * Triangular factor R of `A = Q R` of a matrix with no more columns than rows, by Householder reflections.
 * @param {Float64Array} columns Of A, `[F, P]`.
 * @param {number} numRows P.
 * @returns {{triangle: Float64Array, reflections: Reflection[]}} Columns of R, `[F, F]`, and what Q^T is made of.
 */
function triangular(columns, numRows) {
  const size = columns.length / numRows;
  const work = columns.slice();
  /** @type {Reflection[]} */
  const reflections = [];
  for (let k = 0; k < size; k++) {
    const column = work.subarray(k * numRows, (k + 1) * numRows);
    const length = Math.sqrt(sumOfSquares(column.subarray(k)));
    if (length === 0) continue;
    const normal = column.slice(k);
    normal[0] += column[k] > 0 ? length : -length;
    const square = sumOfSquares(normal);
    for (let j = k; j < size; j++) reflect(work.subarray(j * numRows + k, (j + 1) * numRows), normal, square);
    reflections.push({ normal, square });
  }
  const triangle = new Float64Array(size * size);
  for (let j = 0; j < size; j++) triangle.set(work.subarray(j * numRows, j * numRows + j + 1), j * size);
  return { triangle, reflections };
}

/**
 * Reflect a vector at the plane across a normal.
 * @param {Float64Array} vector Changed.
 * @param {Float64Array} normal
 * @param {number} square Of its length.
 */
function reflect(vector, normal, square) {
  let sum = 0;
  for (let i = 0; i < normal.length; i++) sum += vector[i] * normal[i];
  const factor = (2 * sum) / square;
  for (let i = 0; i < normal.length; i++) vector[i] -= factor * normal[i];
}

/**
 * Rotate columns until every two are orthogonal: they are then singular values times left singular vectors.
 * @param {Float64Array} square Columns of a square matrix, changed.
 * @param {number} size
 */
function rotate(square, size) {
  for (let sweep = 0, turned = true; turned && sweep < MOST_SWEEPS; sweep++) {
    turned = false;
    for (let i = 0; i < size - 1; i++) {
      for (let j = i + 1; j < size; j++) turned = rotatePair(square, i * size, j * size, size) || turned;
    }
  }
}

/**
 * @param {Float64Array} square
 * @param {number} first Where one column begins.
 * @param {number} second Where the other does.
 * @param {number} size
 * @returns {boolean} Whether they were not orthogonal.
 */
function rotatePair(square, first, second, size) {
  let a = 0;
  let b = 0;
  let c = 0;
  for (let k = 0; k < size; k++) {
    const x = square[first + k];
    const y = square[second + k];
    a += x * x;
    b += y * y;
    c += x * y;
  }
  if (!(Math.abs(c) > 4 * Number.EPSILON * Math.sqrt(a * b))) return false; // nor where a number is NaN
  const ratio = (b - a) / (2 * c);
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(1, ratio));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let k = 0; k < size; k++) {
    const x = square[first + k];
    const y = square[second + k];
    square[first + k] = cosine * x - sine * y;
    square[second + k] = sine * x + cosine * y;
  }
  return true;
}
