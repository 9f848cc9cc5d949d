// Colours of the map: viridis, in which the colour-blind see the same order, brightest where a value is best.

export const STOPS = 8; // --ramp-0 to --ramp-7 in the style sheet, which knows of dark pages

/** @typedef {{least: number, greatest: number, isLog: boolean}} Scale */

/**
 * The scale of values: logarithmic where all are positive and they span more than a decade. It ends at all but the
 * lowest twentieth, so that one perfect fit does not take all colours for itself, and where few lie above.
 * @param {readonly number[]} values Those that are not finite are left out.
 * @param {number} [start] Value at the start, above which no colours are spent.
 * @returns {Scale}
 */
export function scaleOf(values, start = Infinity) {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return { least: 0, greatest: 1, isLog: false };
  const isLog = finite[0] > 0 && finite[finite.length - 1] > 10 * finite[0];
  const least = finite[isLog ? Math.floor(finite.length / 20) : 0];
  const greatest = Math.max(Math.min(finite[finite.length - 1], start), least);
  return { least, greatest, isLog };
}

/**
 * Where a value lies on a scale.
 * @param {number} value
 * @param {Scale} scale
 * @returns {number} 0 at the least, 1 at the greatest, never beyond.
 */
export function fractionOf(value, { least, greatest, isLog }) {
  const on = isLog ? Math.log : (/** @type {number} */ x) => x;
  if (isLog && value <= 0) return 0;
  const fraction = (on(value) - on(least)) / (on(greatest) - on(least));
  return Number.isFinite(fraction) ? Math.min(Math.max(fraction, 0), 1) : 0;
}

/**
 * The colour of a fraction as CSS mixes it from the ramp.
 * @param {number} fraction From the best, which is bright, to the worst, which is dark.
 * @returns {string}
 */
export function colourOf(fraction) {
  const place = (1 - fraction) * (STOPS - 1),
    stop = Math.min(Math.floor(place), STOPS - 2);
  const share = Math.round(100 * (place - stop));
  return `color-mix(in srgb, var(--ramp-${stop + 1}) ${share}%, var(--ramp-${stop}))`;
}
