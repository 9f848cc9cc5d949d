/**
 * Greedy models: functions that are chosen from a dictionary one by one, after seeing the targets, as
 * `numerics/subset_selection.py` chooses them.
 *
 * Shape letters: M atoms of the dictionary, P points, K outputs; the dictionary is `[M, P]`, targets are `[K, P]`.
 */

/** @typedef {import("./definitions.js").Definition} Definition */

const LEAST_SIZE = 32; // of a dictionary of narrow models
const INDEPENDENT_ABOVE = 1e-12; // of the square of an atom that the chosen ones must leave
const NOTHING_BELOW = 1e-13; // of the norm of the targets
const TIE = 1e-9; // a relative difference of scores that is rounding

/**
 * Functions in the dictionary of a greedy model.
 * @param {Definition} model
 * @param {number} width W.
 * @returns {number} As it is written, or 4 W and at least 32.
 */
export function sizeOfDictionary(model, width) {
  return model.fields.size ?? Math.max(LEAST_SIZE, 4 * width);
}

/**
 * Functions that a greedy model chooses. Where no further one is independent of those chosen, the first others follow.
 * @param {"least_squares" | "inner_product"} rule Takes the one that lowers the squared residual most, or the one with the
 *     largest inner product with the residual.
 * @param {Float64Array} dictionary `[M, P]`.
 * @param {Float64Array} targets `[K, P]`.
 * @param {number} numPoints P.
 * @param {number} width W, how many.
 * @returns {number[]} Numbers of atoms, in the order of their choice.
 */
export function greedyAtoms(rule, dictionary, targets, numPoints, width) {
  const choose = rule === "least_squares" ? orthogonalLeastSquares : orthogonalGreedy;
  const chosen = choose(rowsOf(dictionary, numPoints), rowsOf(targets, numPoints), width);
  for (let atom = 0; chosen.length < width; atom++) if (!chosen.includes(atom)) chosen.push(atom);
  return chosen;
}

/**
 * Orthogonal least squares: the dictionary is kept orthogonal to all chosen atoms, so that an atom g lowers the squared
 * residual r by exactly `(g r)^2 / |g|^2`.
 *
 * Source: Chen, Cowan, Grant, "Orthogonal least squares learning algorithm" (1991).
 * @param {Float64Array[]} atoms M rows of P, changed.
 * @param {Float64Array[]} residuals K rows of P, changed.
 * @param {number} most
 * @returns {number[]}
 */
function orthogonalLeastSquares(atoms, residuals, most) {
  const least = atoms.map((atom) => INDEPENDENT_ABOVE * dot(atom, atom)), nothing = NOTHING_BELOW * norm(residuals);
  /** @type {number[]} */
  const chosen = [];
  while (chosen.length < most && norm(residuals) > nothing) {
    const squares = atoms.map((atom) => dot(atom, atom));
    const drops = atoms.map((atom, m) => (squares[m] > least[m] ? squaredProducts(atom, residuals) / squares[m] : -1));
    const best = firstOfLargest(drops);
    if (drops[best] < 0) break;
    const unit = atoms[best].map((value) => value / Math.sqrt(squares[best]));
    for (const row of [...atoms, ...residuals]) orthogonalise(row, [unit]);
    least[best] = Infinity;
    chosen.push(best);
  }
  return chosen;
}

/**
 * Orthogonal greedy algorithm, orthogonal matching pursuit: the atom of the largest inner product with the residual.
 *
 * Source: Siegel, Xu, "Optimal convergence rates for the orthogonal greedy algorithm" (arXiv 2106.15000).
 * @param {Float64Array[]} atoms M rows of P.
 * @param {Float64Array[]} residuals K rows of P, changed.
 * @param {number} most
 * @returns {number[]}
 */
function orthogonalGreedy(atoms, residuals, most) {
  const squares = atoms.map((atom) => dot(atom, atom)), nothing = NOTHING_BELOW * norm(residuals);
  const open = squares.map((square) => square > 0);
  /** @type {[number[], Float64Array[]]} */
  const [chosen, basis] = [[], []];
  while (chosen.length < most && open.includes(true) && norm(residuals) > nothing) {
    const best = firstOfLargest(atoms.map((atom, m) => (open[m] ? Math.sqrt(squaredProducts(atom, residuals)) : -1)));
    open[best] = false;
    const unit = orthogonalise(atoms[best].slice(), basis), square = dot(unit, unit);
    if (square <= INDEPENDENT_ABOVE * squares[best]) continue;
    for (let p = 0; p < unit.length; p++) unit[p] /= Math.sqrt(square);
    basis.push(unit);
    for (const row of residuals) orthogonalise(row, [unit]);
    chosen.push(best);
  }
  return chosen;
}

/**
 * The first of the atoms whose scores are the largest but for rounding, so that rounding never chooses.
 * @param {number[]} scores
 * @returns {number}
 */
function firstOfLargest(scores) {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  return Math.max(0, scores.findIndex((score) => score >= largest - TIE * Math.abs(largest)));
}

/**
 * Make a vector orthogonal to others in place; twice, since once leaves a rounding of all of it.
 * @param {Float64Array} vector
 * @param {Float64Array[]} basis Orthonormal.
 * @returns {Float64Array} The vector.
 */
function orthogonalise(vector, basis) {
  for (let pass = 0; pass < 2; pass++) {
    const parts = basis.map((unit) => dot(unit, vector));
    basis.forEach((unit, j) => {
      for (let p = 0; p < vector.length; p++) vector[p] -= parts[j] * unit[p];
    });
  }
  return vector;
}

/**
 * @param {Float64Array} atom
 * @param {Float64Array[]} residuals
 * @returns {number}
 */
function squaredProducts(atom, residuals) {
  return residuals.reduce((sum, residual) => sum + dot(atom, residual) ** 2, 0);
}

/** @param {Float64Array[]} rows */
function norm(rows) {
  return Math.sqrt(rows.reduce((sum, row) => sum + dot(row, row), 0));
}

/**
 * @param {Float64Array} a
 * @param {Float64Array} b
 * @returns {number}
 */
function dot(a, b) {
  let sum = 0;
  for (let p = 0; p < a.length; p++) sum += a[p] * b[p];
  return sum;
}

/**
 * Copies of the rows of a matrix.
 * @param {Float64Array} matrix
 * @param {number} numColumns
 * @returns {Float64Array[]}
 */
function rowsOf(matrix, numColumns) {
  const numRows = matrix.length / numColumns;
  return Array.from({ length: numRows }, (_, row) => matrix.slice(row * numColumns, (row + 1) * numColumns));
}
