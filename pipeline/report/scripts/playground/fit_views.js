// What the figure of the fit shows of a trial: a line, several, a plane, classes of the plane, or, of many inputs, the outputs
// themselves.

import { likeliestClasses } from "../descent/accuracy.js";
import { softmax } from "../descent/losses.js";
import { cellEnds } from "../drawing/plane_plot.js";
import { gridOf } from "../playground/described_trial.js";
import { HIGHEST } from "../playground/drawing_pad.js";

/** @typedef {import("./described_trial.js").Described} Described */
/** @typedef {import("../descent/session.js").Frame} Frame */
/** @typedef {import("../drawing/function_plot.js").FunctionContent} FunctionContent */
/** @typedef {import("../drawing/plane_plot.js").PlaneContent} PlaneContent */

/**
 * The fit over one input.
 * @param {Described} started
 * @param {Frame | null} frame
 * @returns {FunctionContent}
 */
export function lineView(started, frame) {
  const { truth, points, targets, outputs, isTable } = started, numPoints = points.length;
  const places = { x: Float64Array.from(targets, (_, i) => points[i % numPoints]), y: targets };
  // Under a hand that draws nothing moves.
  const sheet = started.isDrawn ? { upright: /** @type {[number, number]} */ ([-HIGHEST, HIGHEST]) } : {};
  const fit = frame === null ? {} : { ...fitOf(started, frame), kinks: kinksOf(frame.units) };
  const across = /** @type {[number, number]} */ ([truth.x[0], truth.x[truth.x.length - 1]]);
  return { ...(isTable || outputs > 1 ? { across } : { truth }), points: places, ...fit, ...sheet };
}

/**
 * @param {Described} started
 * @param {Frame} frame
 */
function fitOf(started, { fit }) {
  if (started.outputs === 1) return { fit };
  const numPoints = fit.x.length, values = answers(started, fit.y, numPoints);
  return {
    units: Array.from({ length: started.outputs }, (_, output) => ({
      x: fit.x,
      y: values.subarray(output * numPoints, (output + 1) * numPoints),
    })),
  };
}

/**
 * What outputs say: of logits the probabilities.
 * @param {Described} started
 * @param {Float64Array} outputs `[K, P]`.
 * @param {number} numPoints
 * @returns {Float64Array} `[K, P]`.
 */
function answers({ task, loss }, outputs, numPoints) {
  if (task === "regression" || loss === "half_mean_square") return outputs;
  return task === "classes" ? softmax(outputs, numPoints) : outputs.map((output) => 1 / (1 + Math.exp(-output)));
}

/** @param {{kink?: number}[]} units */
function kinksOf(units) {
  return units.flatMap((unit) => (unit.kink === undefined ? [] : [unit.kink]));
}

/**
 * The fit over two inputs; of several outputs that are no classes the first.
 * @param {Described} started
 * @param {Frame | null} frame
 * @returns {PlaneContent}
 */
export function planeView(started, frame) {
  const { points, targets, truth, range, task } = started, { x } = gridOf(truth), numPoints = points.length / 2;
  const places = Array.from({ length: numPoints }, (_, place) => place);
  const values = task === "classes" ? likeliestClasses(targets, numPoints) : targets;
  const view = {
    ends: cellEnds(x),
    range,
    points: { x: places.map((one) => points[2 * one]), y: places.map((one) => points[2 * one + 1]), values },
  };
  if (frame === null) return task === "classes" ? { ...view, sure: [] } : view;
  return { ...view, units: linesOf(frame.units), ...(task === "classes" ? classesOf(started, frame) : { fit: gridOf(frame.fit) }) };
}

/**
 * The likeliest class everywhere, and by how much it is likelier than the next.
 * @param {Described} started
 * @param {Frame} frame
 */
function classesOf(started, { fit }) {
  const numPoints = fit.x.length / 2, values = answers(started, fit.y, numPoints);
  const numbers = likeliestClasses(values, numPoints);
  const sure = Float64Array.from(numbers, (number, p) => leadOf(values, number, p, numPoints));
  return { fit: gridOf({ x: fit.x, y: numbers }), sure: gridOf({ x: fit.x, y: sure }).values };
}

/**
 * @param {Float64Array} values
 * @param {number} number
 * @param {number} point
 * @param {number} numPoints
 */
function leadOf(values, number, point, numPoints) {
  const first = number * numPoints + point;
  let next = -Infinity;
  for (let i = point; i < values.length; i += numPoints) if (i !== first) next = Math.max(next, values[i]);
  return values[first] - next;
}

/** @param {import("../descent/model.js").Unit[]} units */
function linesOf(units) {
  return units.flatMap(({ slopes, bias }) => (slopes === undefined || bias === undefined ? [] : [{ slopes, bias }]));
}

/**
 * Outputs at the training points of many inputs: over their targets, or of labels and classes the probabilities that the
 * points have of their own answer, the least first.
 * @param {Described} started
 * @param {Frame | null} frame
 * @returns {FunctionContent}
 */
export function outputsView(started, frame) {
  const { targets, task } = started, numPoints = targets.length / started.outputs;
  const outputs = frame?.fit.y ?? new Float64Array(targets.length);
  if (task === "regression") {
    const ends = [Math.min(...targets), Math.max(...targets)];
    const truth = { x: ends, y: ends }, points = { x: targets, y: outputs };
    return { truth, points, xTitle: "target", yTitle: "output" };
  }
  const values = answers(started, outputs, numPoints), own = Float64Array.from({ length: numPoints }, (_, p) => {
    let least = 1;
    for (let i = p; i < values.length; i += numPoints) {
      if (task === "labels" || targets[i] > 0.5) least = Math.min(least, targets[i] > 0.5 ? values[i] : 1 - values[i]);
    }
    return least;
  }).sort();
  const x = own.map((_, p) => (p + 0.5) / numPoints);
  const sheet = { across: /** @type {[number, number]} */ ([0, 1]), upright: /** @type {[number, number]} */ ([-0.05, 1.05]) };
  return { fit: { x, y: own }, ...sheet, xTitle: "fraction of the points", yTitle: "probability of the right answer" };
}
