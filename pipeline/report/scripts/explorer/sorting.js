// The order of the rows of a table.

/**
 * The places of cells in rising or falling order; equal ones keep theirs, empty ones come last either way. Cells that
 * all begin with a number, such as `inf (dependent features)`, are sorted by it.
 * @param {readonly string[]} texts Cells of one column.
 * @param {boolean} areNumbers Whether they are numbers; `inf` is one, and `nan` comes after all others.
 * @param {boolean} falls
 * @returns {number[]}
 */
export function orderOf(texts, areNumbers, falls) {
  const isNumber = areNumbers || texts.every((text) => text.trim() === "" || !Number.isNaN(numberOf(text)));
  const collator = new Intl.Collator("en", { numeric: true });
  const numbers = texts.map((text) => (isNumber ? numberOf(text) : 0));
  const rank = texts.map((text, place) => (text.trim() === "" ? 2 : Number.isNaN(numbers[place]) ? 1 : 0));
  const compare = (/** @type {number} */ a, /** @type {number} */ b) =>
    isNumber ? Math.sign(numbers[a] - numbers[b]) || 0 : collator.compare(texts[a], texts[b]);
  return texts
    .map((_, place) => place)
    .sort((a, b) => rank[a] - rank[b] || (rank[a] ? 0 : falls ? compare(b, a) : compare(a, b)) || a - b);
}

/**
 * A number as Python writes it, whatever is said of it behind a space.
 * @param {string} text
 * @returns {number} NaN for a word.
 */
export function numberOf(text) {
  const word = text.trim().toLowerCase().split(/\s/)[0];
  return { inf: Infinity, "-inf": -Infinity }[word] ?? (word === "" ? NaN : Number(word));
}
