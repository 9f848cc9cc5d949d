/**
 * Eigenvalues of a symmetric tridiagonal matrix, by QL steps with implicit shifts.
 *
 * Shape letters: M rows of the matrix, R rows that are rotated with it.
 *
 * Source: Parlett, The Symmetric Eigenvalue Problem (1998), sections 8.9 to 8.14.
 */

const MOST_STEPS = 60;

/**
 * Eigenvalues, and rows times the matrix of eigenvectors.
 * @param {Float64Array} diagonal `[M]`, overwritten by the eigenvalues, in no order.
 * @param {Float64Array} offDiagonal `[M]`, of which the last is not used; overwritten.
 * @param {Float64Array[]} rows R rows of M numbers, each multiplied by the matrix of eigenvectors: a row of the identity
 *     becomes the components of all eigenvectors in one place.
 */
export function diagonalise(diagonal, offDiagonal, rows) {
  const size = diagonal.length;
  offDiagonal[size - 1] = 0;
  for (let first = 0; first < size; first++) {
    for (let step = 0; step < MOST_STEPS; step++) {
      const last = endOfBlock(diagonal, offDiagonal, first);
      if (last === first) break;
      stepOfBlock(diagonal, offDiagonal, rows, first, last);
    }
  }
}

/**
 * @param {Float64Array} diagonal
 * @param {Float64Array} offDiagonal
 * @param {number} first
 * @returns {number} Last row that is coupled with the first.
 */
function endOfBlock(diagonal, offDiagonal, first) {
  let last = first;
  while (last < diagonal.length - 1) {
    const size = Math.abs(diagonal[last]) + Math.abs(diagonal[last + 1]);
    if (Math.abs(offDiagonal[last]) <= Number.EPSILON * size) break;
    last += 1;
  }
  return last;
}

/**
 * One QL step of a block, with Wilkinson's shift.
 * @param {Float64Array} diagonal
 * @param {Float64Array} offDiagonal
 * @param {Float64Array[]} rows
 * @param {number} first
 * @param {number} last
 */
function stepOfBlock(diagonal, offDiagonal, rows, first, last) {
  const half = (diagonal[first + 1] - diagonal[first]) / (2 * offDiagonal[first]);
  const shift = diagonal[first] - offDiagonal[first] / (half + (half < 0 ? -1 : 1) * Math.hypot(half, 1));
  let [sine, cosine, moved] = [1, 1, 0];
  let bulge = diagonal[last] - shift;
  for (let i = last - 1; i >= first; i--) {
    const outer = sine * offDiagonal[i];
    const inner = cosine * offDiagonal[i];
    const length = Math.hypot(outer, bulge);
    offDiagonal[i + 1] = length;
    if (length === 0) {
      diagonal[i + 1] -= moved;
      offDiagonal[last] = 0;
      return;
    }
    sine = outer / length;
    cosine = bulge / length;
    const left = diagonal[i + 1] - moved;
    const change = (diagonal[i] - left) * sine + 2 * cosine * inner;
    moved = sine * change;
    diagonal[i + 1] = left + moved;
    bulge = cosine * change - inner;
    for (const row of rows) {
      const kept = row[i + 1];
      row[i + 1] = sine * row[i] + cosine * kept;
      row[i] = cosine * row[i] - sine * kept;
    }
  }
  diagonal[first] -= moved;
  offDiagonal[first] = bulge;
  offDiagonal[last] = 0;
}
