// Which settings a loss can be compared between: those of one problem, one model and one loss.

/** @typedef {import("../descent/setting.js").Setting} Setting */

/** @type {(keyof Setting)[]} */
const COMMON = ["target", "inputs", "num_points", "noise", "drawn", "data", "model", "loss"];

/**
 * Whether two losses may stand on one axis: how the model descends, and its width, may differ.
 * @param {Setting | null} before
 * @param {Setting | null} now
 * @returns {boolean} False where there is none.
 */
export function comparable(before, now) {
  if (before === null || now === null) return false;
  return COMMON.every((name) => JSON.stringify(before[name]) === JSON.stringify(now[name]));
}
