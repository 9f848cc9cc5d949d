// The best combination of a few functions, and which function of a dictionary to take next.

/**
 * The least-squares fit of some functions: what is left of the values when their directions are taken out, twice, so
 * that nearly parallel functions lose no digits.
 * @param {readonly Float64Array[]} columns Values of each function at the points.
 * @param {Float64Array} values
 * @returns {{fit: Float64Array, error: number}} Values of the fit, and its root mean square error.
 */
export function bestFit(columns, values) {
  const left = values.slice();
  /** @type {Float64Array[]} */
  const directions = [];
  for (const column of columns) {
    const direction = column.slice();
    for (let pass = 0; pass < 2; pass++) for (const other of directions) takeOut(direction, other);
    const length = Math.sqrt(inner(direction, direction));
    if (!(length > 0)) continue;
    directions.push(direction.map((value) => value / length));
  }
  for (let pass = 0; pass < 2; pass++) for (const direction of directions) takeOut(left, direction);
  return { fit: values.map((value, place) => value - left[place]), error: Math.sqrt(inner(left, left) / left.length) };
}

/**
 * The function that lowers the error most beside those that are chosen, as a greedy method takes it.
 * @param {readonly Float64Array[]} dictionary
 * @param {readonly number[]} chosen Places in the dictionary.
 * @param {Float64Array} values
 * @returns {number} A place; -1 when all are chosen.
 */
export function bestNext(dictionary, chosen, values) {
  const fixed = chosen.map((place) => dictionary[place]);
  let best = -1, least = Infinity;
  dictionary.forEach((column, place) => {
    if (chosen.includes(place)) return;
    const { error } = bestFit([...fixed, column], values);
    if (error < least) [best, least] = [place, error];
  });
  return best;
}

/**
 * @param {Float64Array} vector Changed in place.
 * @param {Float64Array} direction Of length 1.
 */
function takeOut(vector, direction) {
  const part = inner(vector, direction);
  for (let place = 0; place < vector.length; place++) vector[place] -= part * direction[place];
}

/**
 * @param {Float64Array} one
 * @param {Float64Array} other
 */
function inner(one, other) {
  let sum = 0;
  for (let place = 0; place < one.length; place++) sum += one[place] * other[place];
  return sum;
}
