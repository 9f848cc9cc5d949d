// Where a key goes in a grid, as the authoring practices of ARIA have it.

/** @typedef {{row: number, column: number}} Place  Counted from the upper left. */

/**
 * The place that a key leads to from another; null for a key that leads nowhere.
 * @param {Place} place
 * @param {{key: string, ctrlKey?: boolean}} pressed
 * @param {number} rows
 * @param {number} columns
 * @returns {Place | null}
 */
export function placeAfter({ row, column }, { key, ctrlKey = false }, rows, columns) {
  const last = columns - 1;
  /** @type {Record<string, [number, number]>} */
  const places = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [ctrlKey ? 0 : row, 0],
    End: [ctrlKey ? rows - 1 : row, last],
    PageUp: [0, column],
    PageDown: [rows - 1, column],
  };
  if (!Object.hasOwn(places, key)) return null;
  const [y, x] = places[key];
  return { row: Math.min(Math.max(y, 0), rows - 1), column: Math.min(Math.max(x, 0), last) };
}
