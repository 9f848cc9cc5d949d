/** Local bases: functions at equally spaced places of [-1, 1], those of `models/bases/local_basis.py`. */

/** @typedef {import("./bases.js").Basis} Basis */

/**
 * @param {(x: number, width: number, fields: any) => Float64Array | number[]} values Of all functions at a point.
 * @returns {Basis}
 */
function local(values) {
  return {
    domain: [-1, 1],
    local: true,
    rows: (x, width, fields) => {
      const rows = new Float64Array(width * x.length);
      x.forEach((place, p) => {
        const at = values(place, width, fields);
        for (let w = 0; w < width; w++) rows[w * x.length + p] = at[w];
      });
      return rows;
    },
  };
}

/**
 * @param {number} width
 * @param {(number: number) => number} value
 * @returns {Float64Array}
 */
function each(width, value) {
  return Float64Array.from({ length: width }, (_, number) => value(number));
}

/**
 * Knots of B-splines: ends of equal cells, those of the interval once more for each degree.
 * @param {number} width
 * @param {number} degree
 * @returns {Float64Array} Of length `width + degree + 1`.
 */
function splineKnots(width, degree) {
  const cells = width - degree;
  return each(width + degree + 1, (i) => {
    const cell = Math.min(Math.max(i - degree, 0), cells);
    return -1 + (2 * cell) / cells;
  });
}

/**
 * B-splines at a point, by the recurrence of Cox and de Boor.
 * @param {number} x
 * @param {number} width
 * @param {number} wanted Degree, of which fewer functions have as much as they can.
 * @returns {Float64Array}
 */
function splines(x, width, wanted) {
  const degree = Math.min(wanted, width - 1);
  const knots = splineKnots(width, degree);
  let cell = 0; // a point belongs to the cell on its right, the right end to the last
  while (cell < width - degree - 1 && knots[degree + cell + 1] <= x) cell += 1;
  const values = new Float64Array(width + degree);
  values[cell + degree] = 1;
  for (let order = 1; order <= degree; order++) {
    const rising = (/** @type {number} */ i) => {
      const size = knots[i + order] - knots[i];
      return (x - knots[i]) / (size > 0 ? size : 1); // times zero where they coincide
    };
    for (let i = 0; i < width + degree - order; i++) {
      values[i] = rising(i) * values[i] + (1 - rising(i + 1)) * values[i + 1];
    }
  }
  return values;
}

/** @type {Record<string, Basis>} */
export const LOCAL_BASES = {
  hat: local((x, width) => {
    const place = (x + 1) * ((width - 1) / 2); // in distances of two knots
    return each(width, (knot) => (width === 1 ? 1 : Math.max(1 - Math.abs(place - knot), 0)));
  }),
  b_spline: local((x, width, { degree }) => splines(x, width, degree)),
  gaussian_bump: local((x, width, { overlap }) => {
    const distance = 2 / Math.max(width - 1, 1);
    return each(width, (number) => {
      const away = (x / distance - (number - (width - 1) / 2)) / overlap;
      return Math.exp(-(away * away) / 2);
    });
  }),
};
