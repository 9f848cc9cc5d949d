// The order of the rows of a table.

/**
 * The places of cells in rising or falling order; equal ones keep theirs, empty ones come last either way.
 * @param {readonly string[]} texts Cells of one column.
 * @param {boolean} isNumber Whether they are numbers; `inf` is one, and `nan` comes after all others.
 * @param {boolean} falls
 * @returns {number[]}
 */
export function orderOf(texts, isNumber, falls) {
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
 * A number as Python writes it.
 * @param {string} text
 * @returns {number}
 */
export function numberOf(text) {
  const word = text.trim().toLowerCase();
  return { inf: Infinity, "-inf": -Infinity }[word] ?? (word === "" ? NaN : Number(word));
}
