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

/**
 * @typedef {object} LeftParts
 * @property {Float64Array} values Singular values, `[S]` with S the smaller of P and F, the largest first.
 * @property {Float64Array[]} parts Of each vector its components along the left singular vectors, `[S]`.
 * @property {number[]} remainders Of each vector the square of what lies in none of their directions.
 */

/**
 * Singular values, and parts of vectors along the left singular vectors.
 * @param {Float64Array} columns `[F, P]`; stays.
 * @param {number} numRows P.
 * @param {Float64Array[]} vectors Each `[P]`.
 * @returns {LeftParts} Parts and values below rounding are 0, as they are of a matrix of lower rank; what lay in their
 *     directions is in the remainders.
 */
export function leftParts(columns, numRows, vectors) {
  const numColumns = columns.length / numRows;
  const wide = numColumns > numRows;
  const rows = wide ? transposed(columns, numRows) : columns;
  const { triangle, rotated } = triangular(rows, wide ? numColumns : numRows, wide ? [] : vectors);
  const size = wide ? numRows : numColumns;
  const square = wide ? transposed(triangle, size) : triangle;
  rotate(square, size);
  const along = (wide ? vectors : rotated).map((vector) => vector.subarray(0, size));
  const beyond = (wide ? [] : rotated).map((vector) => sumOfSquares(vector.subarray(size)));
  return sortedParts(square, size, along, beyond, Math.max(numRows, numColumns));
}

/**
 * Singular values alone.
 * @param {Float64Array} columns `[F, P]`.
 * @param {number} numRows P.
 * @returns {Float64Array} The largest first.
 */
export function singularValues(columns, numRows) {
  const numColumns = columns.length / numRows;
  const wide = numColumns > numRows;
  const { triangle } = triangular(wide ? transposed(columns, numRows) : columns, Math.max(numRows, numColumns), []);
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
 * @param {Float64Array[]} vectors Each `[P]`.
 * @returns {{triangle: Float64Array, rotated: Float64Array[]}} Columns of R, `[F, F]`, and `Q^T v` of each vector.
 */
function triangular(columns, numRows, vectors) {
  const size = columns.length / numRows;
  const work = columns.slice();
  const rotated = vectors.map((vector) => vector.slice());
  for (let k = 0; k < size; k++) {
    const column = work.subarray(k * numRows, (k + 1) * numRows);
    const length = Math.sqrt(sumOfSquares(column.subarray(k)));
    if (length === 0) continue;
    const end = column[k] > 0 ? -length : length;
    const normal = column.slice(k);
    normal[0] -= end;
    const square = sumOfSquares(normal);
    for (let j = k; j < size; j++) reflect(work.subarray(j * numRows + k, (j + 1) * numRows), normal, square);
    for (const vector of rotated) reflect(vector.subarray(k), normal, square);
  }
  const triangle = new Float64Array(size * size);
  for (let j = 0; j < size; j++) triangle.set(work.subarray(j * numRows, j * numRows + j + 1), j * size);
  return { triangle, rotated };
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
  let [a, b, c] = [0, 0, 0];
  for (let k = 0; k < size; k++) {
    const [x, y] = [square[first + k], square[second + k]];
    a += x * x;
    b += y * y;
    c += x * y;
  }
  if (Math.abs(c) <= 4 * Number.EPSILON * Math.sqrt(a * b)) return false;
  const ratio = (b - a) / (2 * c);
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(1, ratio));
  const cosine = 1 / Math.hypot(1, tangent);
  const sine = cosine * tangent;
  for (let k = 0; k < size; k++) {
    const [x, y] = [square[first + k], square[second + k]];
    square[first + k] = cosine * x - sine * y;
    square[second + k] = sine * x + cosine * y;
  }
  return true;
}

/**
 * @param {Float64Array} square Orthogonal columns.
 * @param {number} size
 * @param {Float64Array[]} vectors In the space of the columns.
 * @param {number[]} beyond Squares of what of each vector lies outside of it.
 * @param {number} longest The larger side of the matrix.
 * @returns {LeftParts}
 */
function sortedParts(square, size, vectors, beyond, longest) {
  const lengths = Float64Array.from({ length: size }, (_, s) => lengthOf(square, s, size));
  const order = Array.from(lengths.keys()).sort((a, b) => lengths[b] - lengths[a]);
  const rounding = lengths[order[0]] * longest * Number.EPSILON;
  const values = Float64Array.from(order, (s) => lengths[s]);
  const left = order.map((s, place) =>
    values[place] > rounding ? square.subarray(s * size, (s + 1) * size).map((x) => x / lengths[s]) : null,
  );
  const parts = vectors.map((vector) =>
    Float64Array.from(left, (direction) => direction?.reduce((sum, x, k) => sum + x * vector[k], 0) ?? 0),
  );
  const remainders = vectors.map((vector, v) => {
    const rest = vector.slice();
    left.forEach((direction, s) => direction?.forEach((x, k) => (rest[k] -= parts[v][s] * x)));
    return sumOfSquares(rest) + (beyond[v] ?? 0);
  });
  return { values, parts, remainders };
}
