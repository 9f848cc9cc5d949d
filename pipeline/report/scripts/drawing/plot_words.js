// What a plot shows, in words, for those who do not see it.

import { shortNumber } from "../drawing/number_text.js";

/**
 * @param {import("./function_plot.js").FunctionContent} content What is shown.
 * @returns {string} Sentences.
 */
export function functionInWords({ truth, points, fit, kinks, xTitle }) {
  const parts = [];
  if (truth) parts.push(`The target between ${extremes(truth.y)}`);
  if (points) parts.push(`${counted(points.x.length, "training point")}`);
  if (fit) parts.push(`the fit between ${extremes(fit.y)}`);
  if (kinks) parts.push(bending(kinks.length));
  return parts.length ? `${sentence(parts)}, over ${xTitle ?? "x"}.` : "Nothing is drawn yet.";
}

/**
 * @param {import("./step_plot.js").StepContent} content What is shown.
 * @returns {string} Sentences.
 */
export function stepsInWords({ curves }) {
  const parts = curves.filter(({ kind, steps }) => steps.length > 0 && kind !== "other").map((curve) => {
    const last = curve.steps.length - 1;
    const from = `${curve.name} from ${shortNumber(curve.values[0], 2)} at step ${curve.steps[0]}`;
    return last ? `${from} to ${shortNumber(curve.values[last], 2)} at step ${curve.steps[last]}` : from;
  });
  return parts.length ? `${sentence(parts)}.` : "Nothing is drawn yet.";
}

/**
 * @param {import("./plane_plot.js").PlaneContent} content What is shown.
 * @returns {string} Sentences.
 */
export function planeInWords({ ends: [low, high], fit, points, units, sure }) {
  const parts = [];
  if (fit && sure) parts.push(`${counted(new Set(Array.from(fit.values)).size, "class")} in the plane`);
  else if (fit) parts.push(`The fit between ${extremes(fit.values)}`);
  if (points) parts.push(counted(points.x.length, "training point"));
  if (units) parts.push(`${bending(units.length)} along lines`);
  if (!parts.length) return "Nothing is drawn yet.";
  return `${sentence(parts)}, both inputs from ${shortNumber(low, 2)} to ${shortNumber(high, 2)}.`;
}

/** @param {ArrayLike<number>} values */
function extremes(values) {
  let low = Infinity, high = -Infinity;
  for (let place = 0; place < values.length; place += 1) {
    low = Math.min(low, values[place]);
    high = Math.max(high, values[place]);
  }
  return `${shortNumber(low, 2)} and ${shortNumber(high, 2)}`;
}

/**
 * @param {number} number
 * @param {string} noun
 */
function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}

/** @param {number} number */
function bending(number) {
  return `${counted(number, "unit")} that ${number === 1 ? "bends" : "bend"}`;
}

/** @param {string[]} parts */
function sentence(parts) {
  const whole = parts.join(", ");
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}
