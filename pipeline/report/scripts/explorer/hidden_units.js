// Where the hidden units of a network stand, from its hidden layer.
//
// Shape letters: W width, D inputs.

/**
 * Where each unit of a network of one input bends, or is steepest: there its argument is zero, -bias / slope.
 * @param {ArrayLike<number>} units Slope and bias of each, [W, 2], the bias last in each row.
 * @param {number} width
 * @returns {Float64Array} Sorted; units that depend on nothing are left out.
 */
export function centresOf(units, width) {
  const centres = [];
  for (let unit = 0; unit < width; unit += 1) {
    const centre = -units[2 * unit + 1] / units[2 * unit];
    if (Number.isFinite(centre)) centres.push(centre);
  }
  return Float64Array.from(centres).sort();
}

/**
 * The lines along which the units of a network of two inputs bend.
 * @param {ArrayLike<number>} units Slopes and bias of each, [W, 3], the bias last in each row.
 * @param {number} width
 * @returns {{slopes: [number, number], bias: number}[]}
 */
export function linesOf(units, width) {
  return Array.from({ length: width }, (_, unit) => ({
    slopes: [units[3 * unit], units[3 * unit + 1]],
    bias: units[3 * unit + 2],
  }));
}
