// What a live figure has heard of its trial, as what its plots show.

import { shortNumber } from "../drawing/number_text.js";

/** @typedef {import("../descent/session.js").Started} Started */
/** @typedef {import("../descent/session.js").Frame} Frame */
/** @typedef {import("../descent/session.js").Losses} Losses */
/** @typedef {import("../drawing/function_plot.js").FunctionContent} FunctionContent */
/** @typedef {import("../drawing/plane_plot.js").PlaneContent} PlaneContent */
/** @typedef {import("../drawing/step_plot.js").StepContent} StepContent */
/** @typedef {{steps: number[], values: number[]}} Curve */

const MARGIN = 0.06;  // of the plane, in which points on its edge are whole

/**
 * What has been heard of a trial so far.
 * @typedef {object} Heard
 * @property {Started} started
 * @property {Frame | null} frame The last one.
 * @property {Curve} losses
 * @property {Curve} sharpness
 * @property {Losses | null} predicted
 * @property {string} loss Name of the loss.
 * @property {boolean} isLinear Whether the model is linear in its weights.
 * @property {boolean} showsSharpness Whether there is a plot of it.
 */

/**
 * The function and what it is learned from, of one input.
 * @param {Heard} heard
 * @returns {FunctionContent}
 */
export function functionContent({ started, frame }) {
  const { points, targets, truth } = started;
  const kinks = frame?.units.flatMap((unit) => (unit.kink === undefined ? [] : [unit.kink])) ?? [];
  /** @type {FunctionContent} */
  const content = { truth, points: { x: points, y: targets } };
  if (frame) content.fit = frame.fit;
  if (kinks.length) content.kinks = kinks;
  return content;
}

/**
 * The same of two inputs. A label is shown by its probability.
 * @param {Heard} heard
 * @returns {PlaneContent}
 */
export function planeContent({ started, frame, loss }) {
  const { points, targets, truth } = started, side = Math.sqrt(truth.y.length);
  const x = Float64Array.from({ length: side }, (_, place) => truth.x[2 * place]); // the first input changes first
  const y = Float64Array.from({ length: side }, (_, place) => truth.x[2 * place * side + 1]);
  const margin = MARGIN * (x[side - 1] - x[0]), places = Array.from(targets, (_, place) => place);
  const shown = loss === "half_mean_square" ? (/** @type {number} */ value) => value : probability;
  const units = frame?.units.flatMap(({ slopes, bias }) => (slopes ? [{ slopes, bias: bias ?? 0 }] : [])) ?? [];
  /** @type {PlaneContent} */
  const content = {
    ends: [x[0] - margin, x[side - 1] + margin],
    range: [Math.min(0, ...targets), Math.max(1, ...targets)],
    points: { x: places.map((one) => points[2 * one]), y: places.map((one) => points[2 * one + 1]), values: targets },
  };
  if (frame) content.fit = { x, y, values: transposed(frame.fit.y, side).map(shown) };
  if (units.length) content.units = units;
  return content;
}

/**
 * The values of a square, row by row in place of column by column.
 * @param {Float64Array} values
 * @param {number} side
 */
function transposed(values, side) {
  return values.map((_, place) => values[(place % side) * side + Math.floor(place / side)]);
}

/** @param {number} logit */
function probability(logit) {
  return 1 / (1 + Math.exp(-logit));
}

/**
 * The loss of every step, beside what is predicted of it.
 * @param {Heard} heard
 * @returns {StepContent}
 */
export function lossContent({ frame, losses, predicted }) {
  const last = Math.max(10, frame?.step ?? 0);
  const curves = [{ name: "training loss", ...losses }];
  if (predicted) curves.push({ name: "predicted loss", ...upTo(predicted, last), ...{ kind: "predicted" } });
  return { curves: /** @type {StepContent["curves"]} */ (curves), title: "training loss", last };
}

/**
 * A prediction up to a step.
 * @param {Losses} predicted
 * @param {number} last
 * @returns {Curve}
 */
function upTo(predicted, last) {
  const shown = predicted.filter(([step]) => step <= last);
  return { steps: shown.map(([step]) => step), values: shown.map(([, value]) => value) };
}

/**
 * The sharpness on the way, beside 2 / rate, at which descent is at the edge.
 * @param {Heard} heard
 * @returns {StepContent}
 */
export function sharpnessContent({ started, frame, sharpness }) {
  const last = Math.max(10, frame?.step ?? 0), edge = 2 / (frame?.rate ?? started.rate);
  return {
    curves: [
      { name: "sharpness", ...sharpness },
      { name: "2 / rate", steps: [0, last], values: [edge, edge], kind: "bound" },
    ],
    title: "sharpness",
    last,
  };
}

/**
 * What the colours and dashes of the plots mean.
 * @param {Heard} heard
 * @returns {string}
 */
export function keyInWords({ started, frame, predicted, showsSharpness }) {
  const fit = started.dimension === 2 ? "In the plane, blue: small outputs; orange: large ones" : "Blue: what is learned";
  const dashed = started.dimension === 2 ? [] : ["dashed: the target"];
  const kinks = frame?.units.some((unit) => unit.kink !== undefined) ? ["green: kinks"] : [];
  const lines = frame?.units.some((unit) => unit.slopes !== undefined) ? ["green: where the input of a hidden unit is 0"] : [];
  const theory = predicted ? ["orange, on the loss: what theory predicts"] : [];
  const edge = showsSharpness ? ["dotted, beside the sharpness: 2 / rate"] : [];
  return `${[fit, ...dashed, ...kinks, ...lines, ...theory, ...edge].join("; ")}.`;
}

/**
 * Where the trial stands, in words.
 * @param {Heard} heard
 * @returns {string}
 */
export function standing({ started, frame, losses, loss, isLinear }) {
  const rate = frame?.rate ?? started.rate, limit = frame?.limit ?? started.theory.limit;
  const value = losses.values[losses.values.length - 1];
  const said = [`Step ${(frame?.step ?? 0).toLocaleString("en")}`, `loss ${shortNumber(value)}`];
  const times = limit ? `, ${shortNumber(rate / limit)} times the limit${isLinear ? "" : " at these weights"}` : "";
  said.push(`learning rate ${shortNumber(rate)}${times}`);
  if (isLinear && loss === "half_mean_square") said.push(`condition number of the Hessian κ = ${shortNumber(started.theory.condition ** 2)}`);
  return `${said.join("; ")}.`;
}
