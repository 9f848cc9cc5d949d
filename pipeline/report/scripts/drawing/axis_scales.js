// Scales: from a value to its place on the screen, and back.

import { linearTicks, logTicks, roundStep, stepTicks } from "../drawing/axis_ticks.js";
import { logTickText, tickText } from "../drawing/number_text.js";

/**
 * @typedef {object} Scale
 * @property {(value: number) => number} place Pixel of a value.
 * @property {(pixel: number) => number} value Value at a pixel.
 * @property {(most: number) => {value: number, text: string}[]} ticks
 */

/**
 * @typedef {object} Axis
 * @property {"linear" | "log" | "steps"} kind Linear, logarithmic, or steps: the logarithm of one more than the step.
 * @property {number} low Least value; of a logarithmic axis above 0.
 * @property {number} high Greatest value.
 * @property {string} title What stands on it, with its unit.
 */

/**
 * The scale of an axis on an interval of pixels.
 * @param {Axis} axis The axis.
 * @param {number} from Pixel of its least value.
 * @param {number} to Pixel of its greatest value.
 * @returns {Scale} The scale.
 */
export function scaleOf(axis, from, to) {
  const { bend, unbend } = BENT[axis.kind], low = bend(axis.low), size = bend(axis.high) - low || 1;
  return {
    place: (value) => from + ((bend(value) - low) / size) * (to - from),
    value: (pixel) => unbend(low + ((pixel - from) / (to - from)) * size),
    ticks: (most) => ticksOf(axis, most),
  };
}

/** @type {Record<string, {bend: (value: number) => number, unbend: (value: number) => number}>} */
const BENT = {
  linear: { bend: (value) => value, unbend: (value) => value },
  log: { bend: Math.log10, unbend: (value) => 10 ** value },
  steps: { bend: Math.log1p, unbend: Math.expm1 },
};

/**
 * @param {Axis} axis
 * @param {number} most
 * @returns {{value: number, text: string}[]}
 */
function ticksOf(axis, most) {
  if (axis.kind === "linear") {
    const step = axis.high > axis.low ? roundStep(axis.low, axis.high, most) : 1;
    return linearTicks(axis.low, axis.high, most).map((value) => ({ value, text: tickText(value, step) }));
  }
  const values = axis.kind === "log" ? logTicks(axis.low, axis.high, most) : stepTicks(axis.high, most);
  return values.map((value) => ({ value, text: value === 0 ? "0" : logTickText(value) }));
}

/**
 * The interval of some values with a margin, for a linear axis.
 * @param {Iterable<number>} values Those that are not finite are passed over.
 * @param {number} [margin] Fraction of the interval on each side.
 * @returns {[number, number]} Least and greatest; 0 and 1 of none.
 */
export function spanOf(values, margin = 0.06) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const room = high - low || Math.abs(high) || 1;
  return [low - margin * room, high + margin * room];
}

/**
 * The interval of the positive values among some, for a logarithmic axis.
 * @param {Iterable<number>} values Those that are not positive or not finite are passed over.
 * @returns {[number, number]} Least and greatest, at least a factor of 10 apart.
 */
export function logSpanOf(values) {
  let low = Infinity, high = 0;
  for (const value of values) {
    if (!(value > 0) || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0.1, 1];
  const short = Math.max(0, 1 - Math.log10(high / low)) / 2, room = 10 ** (short + 0.08);
  return [low / room, high * room];
}
