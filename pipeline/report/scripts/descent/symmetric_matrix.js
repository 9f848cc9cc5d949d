/**
 * Eigenvalues of a symmetric matrix, and a vector split along its eigenvectors: Householder, then QL.
 *
 * Source: Golub, Van Loan, Matrix Computations (4th ed.), section 8.3.1.
 */

import { diagonalise } from "../descent/tridiagonal.js";

/**
 * Eigenvalues, and the parts of a vector along the eigenvectors, of which none is computed.
 * @param {Float64Array} matrix Rows of a symmetric matrix; overwritten.
 * @param {Float64Array} vector Overwritten by its parts.
 * @returns {Float64Array} Eigenvalues, in no order: that of the parts.
 */
export function splitByEigenvectors(matrix, vector) {
  const size = vector.length;
  const diagonal = new Float64Array(size);
  const beside = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    diagonal[k] = matrix[k * size + k];
    if (k < size - 1) beside[k] = eliminate(matrix, vector, k);
  }
  diagonalise(diagonal, beside, [vector]);
  return diagonal;
}

/**
 * Reflect the rows and columns beyond one, so that of its own entries beyond the diagonal only the first is left.
 * @param {Float64Array} matrix Changed.
 * @param {Float64Array} vector Reflected too.
 * @param {number} k
 * @returns {number} That entry.
 */
function eliminate(matrix, vector, k) {
  const size = vector.length;
  const first = k + 1;
  const normal = matrix.slice(k * size + first, (k + 1) * size);
  const length = Math.sqrt(normal.reduce((sum, x) => sum + x * x, 0));
  if (length === 0) return 0;
  const left = normal[0] > 0 ? -length : length;
  normal[0] -= left;
  const scale = 2 / normal.reduce((sum, x) => sum + x * x, 0);
  const count = normal.length;
  const moved = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const row = (first + i) * size + first;
    let sum = 0;
    for (let j = 0; j < count; j++) sum += matrix[row + j] * normal[j];
    moved[i] = scale * sum;
  }
  let along = 0;
  let ofVector = 0;
  for (let i = 0; i < count; i++) {
    along += moved[i] * normal[i];
    ofVector += vector[first + i] * normal[i];
  }
  for (let i = 0; i < count; i++) moved[i] -= (scale / 2) * along * normal[i];
  for (let i = 0; i < count; i++) {
    const row = (first + i) * size + first;
    for (let j = 0; j < count; j++) matrix[row + j] -= moved[i] * normal[j] + normal[i] * moved[j];
    vector[first + i] -= scale * ofVector * normal[i];
  }
  return left;
}
