// Curves over the steps of training: what was measured as lines, what theory predicts dashed, a mark at a step.

import { logSpanOf, spanOf } from "../drawing/axis_scales.js";
import { namedCanvas } from "../drawing/canvas_name.js";
import { createSurface } from "../drawing/canvas_surface.js";
import { clipped, drawFrame, drawLine } from "../drawing/plot_frame.js";
import { stepsInWords } from "../drawing/plot_words.js";

/**
 * @typedef {import("./plot_frame.js").Frame} Frame
 * @typedef {import("./page_colours.js").Colours} Colours
 */

/**
 * @typedef {object} Curve
 * @property {string} name What it is, such as "training loss".
 * @property {ArrayLike<number>} steps In order.
 * @property {ArrayLike<number>} values As many.
 * @property {"measured" | "predicted" | "bound" | "other" | "before"} [kind] Measured: a line; predicted: dashed;
 *   a bound: dotted; another, for comparison: thin; what was measured before a change: pale.
 */

/**
 * @typedef {object} StepContent
 * @property {Curve[]} curves
 * @property {string} title What stands on the upright axis, with its unit.
 * @property {number} [last] The last step of the axis; by default that of the curves.
 * @property {number} [mark] A step that is marked on the measured curve.
 * @property {boolean} [linearSteps] Whether steps are evenly spaced; by default their logarithm is.
 * @property {boolean} [linearValues] Whether values are evenly spaced; by default their logarithm is.
 * @property {[number, number]} [upright] Ends of the upright axis; by default those of what was measured.
 */

const MOST_DECADES = 24, PREDICTED_DECADES = 10;
const DIVERGED_ABOVE = 1e10;  // times 1 more than the first loss: there a trial ends

/**
 * Show curves on a canvas.
 * @param {HTMLCanvasElement} canvas Where; its name for those who do not see it follows what is shown.
 * @returns {{show: (content: StepContent) => void, frame: () => Frame | null, stop: () => void}}
 */
export function createStepPlot(canvas) {
  /** @type {StepContent} */
  let content = { curves: [], title: "" };
  /** @type {Frame | null} */
  let frame = null;
  const surface = createSurface(canvas, (pen, size, colours) => {
    frame = paint(pen, size, colours, content);
  });
  const name = namedCanvas(canvas);
  const show = (/** @type {StepContent} */ next) => {
    content = next;
    name(() => stepsInWords(next));
    surface.repaint();
  };
  show(content);
  return { show, frame: () => frame, stop: surface.stop };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./canvas_surface.js").Size} size
 * @param {Colours} colours
 * @param {StepContent} content
 * @returns {Frame}
 */
function paint(pen, size, colours, content) {
  const last = content.last ?? Math.max(1, ...content.curves.map((curve) => curve.steps[curve.steps.length - 1] ?? 0));
  const [low, high] = content.upright ?? uprightSpan(content, last);
  const across = /** @type {"linear" | "steps"} */ (content.linearSteps ? "linear" : "steps");
  const upright = /** @type {"linear" | "log"} */ (content.linearValues ? "linear" : "log");
  const axes = {
    x: { kind: across, low: 0, high: last, title: "step" },
    y: { kind: upright, low, high, title: content.title },
  };
  const frame = drawFrame(pen, size, axes, colours);
  clipped(pen, frame, () => {
    for (const curve of content.curves) {
      const values = content.linearValues ? curve.values : raised(curve.values, low);
      drawLine(pen, frame, curve.steps, values, lookOf(curve, colours));
    }
  });
  if (content.mark !== undefined) drawMark(pen, frame, content, content.mark, colours);
  return frame;
}

/**
 * The interval of what is measured and of what is predicted up to the last step, as far as no trial diverges; what was
 * measured before a change stands in it as far as it fits.
 * @param {StepContent} content What is shown.
 * @param {number} last The last step of the axis.
 * @returns {[number, number]} Least and greatest value of the axis.
 */
export function uprightSpan({ curves, linearValues }, last) {
  const values = curves.filter(({ kind }) => kind !== "before").flatMap((curve) => {
    const [least, most] = curve.kind === "predicted" ? ahead(curve.values[0]) : [-Infinity, Infinity];
    const inside = Array.from(curve.values, (value) => (value < least ? least : value));
    return inside.filter((value, place) => curve.steps[place] <= last && value <= most);
  });
  if (linearValues) return spanOf(values);
  const [low, high] = logSpanOf(values);
  return [Math.max(low, high / 10 ** MOST_DECADES), high];
}

/**
 * How far an axis follows a prediction before it is measured.
 * @param {number} first The prediction of the first step.
 * @returns {[number, number]}
 */
function ahead(first) {
  return [first / 10 ** PREDICTED_DECADES, DIVERGED_ABOVE * (1 + first)];
}

/**
 * A loss of 0 has no logarithm: it stands at the foot.
 * @param {ArrayLike<number>} values
 * @param {number} floor
 */
function raised(values, floor) {
  return Array.from(values, (value) => (value <= 0 ? floor : value));
}

/**
 * @param {Curve} curve
 * @param {Colours} colours
 */
function lookOf(curve, colours) {
  if (curve.kind === "predicted") return { colour: colours.theory, width: 2, dashes: [6, 5] };
  if (curve.kind === "bound") return { colour: colours.theory, width: 2, dashes: [2, 4] };
  if (curve.kind === "other") return { colour: colours.quiet, width: 0.6 };
  if (curve.kind === "before") return { colour: colours.faint, width: 1.5 };
  return { colour: colours.fit, width: 2.5 };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {StepContent} content
 * @param {number} mark
 * @param {Colours} colours
 */
function drawMark(pen, frame, content, mark, colours) {
  const { top, bottom } = frame.inside, across = Math.round(frame.x.place(mark)) + 0.5;
  pen.strokeStyle = colours.quiet;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(across, top);
  pen.lineTo(across, bottom);
  pen.stroke();
  for (const curve of content.curves.filter((one) => (one.kind ?? "measured") === "measured")) {
    const value = valueAt(curve, mark);
    if (!Number.isFinite(value)) continue;
    pen.fillStyle = lookOf(curve, colours).colour;
    pen.beginPath();
    pen.arc(across, Math.min(bottom, Math.max(top, frame.y.place(value))), 5, 0, 2 * Math.PI);
    pen.fill();
  }
}

/**
 * The value of a curve at the last of its steps up to one.
 * @param {Curve} curve The curve.
 * @param {number} step A step.
 * @returns {number} NaN before the first.
 */
export function valueAt(curve, step) {
  let low = 0, high = curve.steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.steps[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? NaN : curve.values[low - 1];
}
