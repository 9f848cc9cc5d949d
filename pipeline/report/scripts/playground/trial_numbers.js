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
  const known = numbers.filter(([, value]) => value != null && !Number.isNaN(value));
  return [...known.map(([name, value]) => /** @type {[string, string]} */ ([name, shortNumber(Number(value))])), ...chosen(started)];
}

const MOST_NAMED = 8;

/**
 * Which functions a greedy model has chosen.
 * @param {{atoms?: number[] | null}} started
 * @returns {[string, string][]}
 */
function chosen({ atoms }) {
  if (!atoms) return [];
  const more = atoms.length > MOST_NAMED ? ", …" : "";
  return [["functions chosen, counted from 0", `${atoms.slice(0, MOST_NAMED).join(", ")}${more}`]];
}
