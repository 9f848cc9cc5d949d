// A function of one input: the truth, the points that it is learned from, the fit, and where its units bend.

import { spanOf } from "../drawing/axis_scales.js";
import { namedCanvas } from "../drawing/canvas_name.js";
import { createSurface } from "../drawing/canvas_surface.js";
import { clipped, drawFrame, drawLine } from "../drawing/plot_frame.js";
import { functionInWords } from "../drawing/plot_words.js";

/**
 * @typedef {import("./plot_frame.js").Frame} Frame
 * @typedef {import("./page_colours.js").Colours} Colours
 * @typedef {{x: ArrayLike<number>, y: ArrayLike<number>}} Samples Values of a function, in the order of x.
 */

/**
 * @typedef {object} FunctionContent
 * @property {Samples} [truth] The function to be learned.
 * @property {Samples} [points] Training points, in any order.
 * @property {Samples} [fit] What has been learned.
 * @property {Samples[]} [units] What each unit or function of the basis contributes.
 * @property {ArrayLike<number>} [kinks] Where hidden units bend.
 * @property {[number, number]} [across] Ends of the axis; by default those of truth and points.
 * @property {[number, number]} [upright] Ends of the other; by default those of truth and points.
 * @property {string} [xTitle]
 * @property {string} [yTitle]
 */

const MOST_POINTS_OF_FULL_SIZE = 150;

/**
 * Show a function on a canvas.
 * @param {HTMLCanvasElement} canvas Where; its name for those who do not see it follows what is shown.
 * @returns {{show: (content: FunctionContent) => void, frame: () => Frame | null, stop: () => void}}
 */
export function createFunctionPlot(canvas) {
  /** @type {FunctionContent} */
  let content = {};
  /** @type {Frame | null} */
  let frame = null;
  const surface = createSurface(canvas, (pen, size, colours) => {
    frame = paint(pen, size, colours, content);
  });
  const name = namedCanvas(canvas);
  const show = (/** @type {FunctionContent} */ next) => {
    content = next;
    name(() => functionInWords(next));
    surface.repaint();
  };
  show(content);
  return { show, frame: () => frame, stop: surface.stop };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./canvas_surface.js").Size} size
 * @param {Colours} colours
 * @param {FunctionContent} content
 * @returns {Frame}
 */
function paint(pen, size, colours, content) {
  const { truth, points, fit } = content;
  const [left, right] = content.across ?? spanOf(valuesOf("x", truth, points), 0);
  const [low, high] = content.upright ?? spanOf(valuesOf("y", truth, points), 0.15);
  const axes = {
    x: { kind: /** @type {const} */ ("linear"), low: left, high: right, title: content.xTitle ?? "x" },
    y: { kind: /** @type {const} */ ("linear"), low, high, title: content.yTitle ?? "" },
  };
  const frame = drawFrame(pen, size, axes, colours);
  clipped(pen, frame, () => {
    for (const unit of content.units ?? []) drawLine(pen, frame, unit.x, unit.y, { colour: colours.unit, width: 1 });
    if (points) drawPoints(pen, frame, points, colours.quiet);
    if (truth) drawLine(pen, frame, truth.x, truth.y, { colour: colours.ink, width: 1.5, dashes: [5, 4] });
    if (fit) drawLine(pen, frame, fit.x, fit.y, { colour: colours.fit, width: 2.5 });
  });
  drawKinks(pen, frame, content.kinks ?? [], colours.unit);
  return frame;
}

/**
 * @param {"x" | "y"} coordinate
 * @param {(Samples | undefined)[]} samples
 */
function* valuesOf(coordinate, ...samples) {
  for (const one of samples) if (one) yield* Array.from(one[coordinate]);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {Samples} points
 * @param {string} colour
 */
function drawPoints(pen, frame, points, colour) {
  const radius = points.x.length > MOST_POINTS_OF_FULL_SIZE ? 1.8 : 3;
  pen.fillStyle = colour;
  pen.globalAlpha = 0.6;
  for (let place = 0; place < points.x.length; place += 1) {
    pen.beginPath();
    pen.arc(frame.x.place(points.x[place]), frame.y.place(points.y[place]), radius, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

/**
 * Ticks at the foot of the plot, one for each unit that bends inside it.
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {ArrayLike<number>} kinks
 * @param {string} colour
 */
function drawKinks(pen, frame, kinks, colour) {
  const { left, right, bottom } = frame.inside;
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  for (let place = 0; place < kinks.length; place += 1) {
    const across = frame.x.place(kinks[place]);
    if (!(across >= left && across <= right)) continue;
    pen.moveTo(across, bottom);
    pen.lineTo(across, bottom - 12);
  }
  pen.stroke();
}
