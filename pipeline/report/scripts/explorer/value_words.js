// Numbers of a run in words: whole ones whole, and those of an axis in as many digits as tell them apart.

import { shortNumber } from "../drawing/number_text.js";

const LARGEST_WHOLE = 1e5,
  LEAST_DIGITS = 3,
  SHORT_DIGITS = 4,
  ALL_DIGITS = 17;

/**
 * A value: `1024` in full, `0.0125` in three digits.
 * @param {number} value
 * @returns {string}
 */
export function valueWords(value) {
  const isWhole = Number.isInteger(value) && Math.abs(value) < LARGEST_WHOLE;
  return shortNumber(value, isWhole ? ALL_DIGITS : LEAST_DIGITS);
}

/**
 * Different values, each told from all others: in three digits, or in as few more as that takes; one that four digits
 * hold is whole, as 1.001 is another rate than 1.
 * @param {readonly number[]} values
 * @returns {string[]}
 */
export function toldApart(values) {
  const different = new Set(values).size;
  const written = (/** @type {number} */ digits) => values.map((value) => shortNumber(value, isShort(value) ? ALL_DIGITS : digits));
  let digits = LEAST_DIGITS;
  while (digits < ALL_DIGITS && new Set(written(digits)).size < different) digits += 1;
  return written(digits);
}

/** @param {number} value */
const isShort = (value) => Number(value.toPrecision(SHORT_DIGITS)) === value;
