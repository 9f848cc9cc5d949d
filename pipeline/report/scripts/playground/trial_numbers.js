// The numbers of the trial that is played, each with its name.

import { shortNumber } from "../drawing/number_text.js";

/** @typedef {import("./live_trial.js").LiveTrial} LiveTrial */

/**
 * Names and values, those that there are.
 * @param {LiveTrial} live What is played.
 * @returns {[string, string][]} In the order of the page.
 */
export function numbersOf({ started, frame, losses }) {
  if (started === null) return [];
  const limit = frame?.limit ?? started.limit;
  const loss = losses.values[losses.values.length - 1] ?? NaN;
  /** @type {[string, number | null | undefined][]} */
  const numbers = [
    ["training loss", loss],
    ["predicted loss", frame?.predicted],
    ["accuracy on the training points", frame?.accuracy],
    ["learning rate", started.rate],
    [started.isLinear ? "largest stable rate" : "largest stable rate now", limit],
    ["rate / limit", limit ? started.rate / limit : null],
    ["condition number κ of the features", started.isLinear ? started.condition : null],
    ["sharpness λ", started.isLinear ? null : frame?.sharpness],
    ["largest stable sharpness", started.isLinear ? null : started.bound],
    ["weights", frame?.weights.length],
  ];
  return numbers.flatMap(([name, value]) => (value == null || Number.isNaN(value) ? [] : [[name, shortNumber(value)]]));
}
