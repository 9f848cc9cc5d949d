// Where the hidden units of a network stand, from its weights as recorded.
//
// Shape letters: W width, D inputs.

/**
 * Where each unit of a network of one input bends, or is steepest: there its argument is zero, -bias / slope.
 * @param {ArrayLike<number>} weights Hidden layer [W, 2] first, the bias last in each row.
 * @param {number} width
 * @returns {Float64Array} Sorted; units that depend on nothing are left out.
 */
export function centresOf(weights, width) {
  const centres = [];
  for (let unit = 0; unit < width; unit += 1) {
    const centre = -weights[2 * unit + 1] / weights[2 * unit];
    if (Number.isFinite(centre)) centres.push(centre);
  }
  return Float64Array.from(centres).sort();
}

/**
 * The lines along which the units of a network of two inputs bend.
 * @param {ArrayLike<number>} weights Hidden layer [W, 3] first, the bias last in each row.
 * @param {number} width
 * @returns {{slopes: [number, number], bias: number}[]}
 */
export function linesOf(weights, width) {
  return Array.from({ length: width }, (_, unit) => ({
    slopes: [weights[3 * unit], weights[3 * unit + 1]],
    bias: weights[3 * unit + 2],
  }));
}
