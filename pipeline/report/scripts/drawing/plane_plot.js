// A function of two inputs: its values as colours, the points that it is learned from, and the lines where units bend.

import { namedCanvas } from "../drawing/canvas_name.js";
import { createSurface } from "../drawing/canvas_surface.js";
import { between, channels, colourOfClass } from "../drawing/page_colours.js";
import { clipped, drawFrame } from "../drawing/plot_frame.js";
import { planeInWords } from "../drawing/plot_words.js";

/**
 * @typedef {import("./plot_frame.js").Frame} Frame
 * @typedef {import("./page_colours.js").Colours} Colours
 * @typedef {[number, number, number]} Rgb
 */

/**
 * @typedef {object} Grid
 * @property {ArrayLike<number>} x First inputs, evenly spaced.
 * @property {ArrayLike<number>} y Second inputs, evenly spaced.
 * @property {ArrayLike<number>} values At (x[i], y[j]) entry i * y.length + j.
 */

/**
 * @typedef {object} PlaneContent
 * @property {[number, number]} ends Between which both inputs lie.
 * @property {Grid} [fit] What has been learned.
 * @property {[number, number]} range What has the colours of the ends: of yes or no, 0 and 1.
 * @property {ArrayLike<number>} [sure] Where values are numbers of classes: how sure each is, from 0 to 1.
 * @property {{x: ArrayLike<number>, y: ArrayLike<number>, values: ArrayLike<number>}} [points] Training points.
 * @property {{slopes: [number, number], bias: number}[]} [units] Hidden units, which bend where slopes · x + bias is 0.
 */

/**
 * Show a function of the plane on a canvas.
 * @param {HTMLCanvasElement} canvas Where; its name for those who do not see it follows what is shown.
 * @returns {{show: (content: PlaneContent) => void, frame: () => Frame | null, stop: () => void}}
 */
export function createPlanePlot(canvas) {
  /** @type {PlaneContent} */
  let content = { ends: [-1, 1], range: [0, 1] };
  /** @type {Frame | null} */
  let frame = null;
  const picture = document.createElement("canvas");
  const surface = createSurface(canvas, (pen, size, colours) => {
    frame = paint(pen, size, colours, content, picture);
  });
  const name = namedCanvas(canvas);
  const show = (/** @type {PlaneContent} */ next) => {
    content = next;
    name(() => planeInWords(next));
    surface.repaint();
  };
  show(content);
  return { show, frame: () => frame, stop: surface.stop };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./canvas_surface.js").Size} size
 * @param {Colours} colours
 * @param {PlaneContent} content
 * @param {HTMLCanvasElement} picture
 * @returns {Frame}
 */
function paint(pen, size, colours, content, picture) {
  const side = Math.min(size.width, size.height), [low, high] = content.ends;
  const axis = (/** @type {string} */ title) => ({ kind: /** @type {const} */ ("linear"), low, high, title });
  const ticks = { beside: content.points ? radiusOf(content.points) : 0, alike: true };
  const frame = drawFrame(pen, { width: side, height: side }, { x: axis("x₁"), y: axis("x₂") }, colours, ticks);
  clipped(pen, frame, () => {
    if (content.fit) drawGrid(pen, frame, content.fit, colouring(content.fit.values, content, colours), picture);
    for (const unit of content.units ?? []) drawUnit(pen, frame, unit, content.ends, colours.unit);
  });
  if (content.points) drawPoints(pen, frame, content.points, content, colours);
  return frame;
}

/**
 * The colour of each entry of a grid.
 * @param {ArrayLike<number>} values
 * @param {PlaneContent} content
 * @param {Colours} colours
 * @returns {(place: number) => Rgb}
 */
function colouring(values, { range, sure }, colours) {
  const ends = /** @type {[Rgb, Rgb, Rgb]} */ ([colours.low, colours.paper, colours.high].map(channels));
  if (sure === undefined) return (place) => colourOf(values[place], range, ends);
  return (place) => classColour(values[place], sure[place], ends[1]);
}

/**
 * The colour of a class, paler where it is less sure; that of the paper of no class.
 * @param {number} number Of the class, from 0.
 * @param {number} sure From 0 to 1.
 * @param {Rgb} paper
 * @returns {Rgb} Channels.
 */
export function classColour(number, sure, paper) {
  if (!(number >= 0)) return paper;
  return between(paper, channels(colourOfClass(number)), PALEST + (1 - PALEST) * Math.min(1, Math.max(0, sure)));
}

const PALEST = 0.25;

/**
 * Each point of a grid in the middle of a cell, smooth in between.
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {Grid} grid
 * @param {(place: number) => Rgb} colour
 * @param {HTMLCanvasElement} picture
 */
function drawGrid(pen, frame, { x, y }, colour, picture) {
  colourCells(picture, x.length, y.length, colour);
  const [left, right] = cellEnds(x), [low, high] = cellEnds(y), from = frame.x.place(left), top = frame.y.place(high);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(picture, from, top, frame.x.place(right) - from, frame.y.place(low) - top);
}

/**
 * The ends of the cells that evenly spaced points are in the middle of.
 * @param {ArrayLike<number>} points In order, two at least.
 * @returns {[number, number]} Half a cell beyond the first and the last.
 */
export function cellEnds(points) {
  const last = points.length - 1, half = (points[last] - points[0]) / last / 2;
  return [points[0] - half, points[last] + half];
}

/**
 * The colours of the cells of a grid, the second input upwards.
 * @param {HTMLCanvasElement} picture
 * @param {number} columns
 * @param {number} rows
 * @param {(place: number) => Rgb} colour
 */
function colourCells(picture, columns, rows, colour) {
  picture.width = columns;
  picture.height = rows;
  const pen = picture.getContext("2d"), image = new ImageData(columns, rows);
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row < rows; row += 1) {
      const place = 4 * ((rows - 1 - row) * columns + column);
      const [red, green, blue] = colour(column * rows + row);
      image.data[place] = red;
      image.data[place + 1] = green;
      image.data[place + 2] = blue;
      image.data[place + 3] = 255;
    }
  }
  pen?.putImageData(image, 0, 0);
}

/**
 * The colour of a value: from that of the low end over that of the middle to that of the high end.
 * @param {number} value Any number.
 * @param {[number, number]} range Values of the ends; what lies beyond has their colours.
 * @param {[Rgb, Rgb, Rgb]} colours Low, middle, high.
 * @returns {Rgb} Channels; those of the middle for what is not a number.
 */
export function colourOf(value, [low, high], colours) {
  const place = Math.min(1, Math.max(-1, (2 * (value - low)) / (high - low) - 1));
  if (Number.isNaN(place)) return colours[1];
  return place < 0 ? between(colours[1], colours[0], -place) : between(colours[1], colours[2], place);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {{slopes: [number, number], bias: number}} unit
 * @param {[number, number]} ends
 * @param {string} colour
 */
function drawUnit(pen, frame, unit, ends, colour) {
  const line = lineInside(unit, ends);
  if (line === null) return;
  pen.strokeStyle = colour;
  pen.lineWidth = 1.5;
  pen.globalAlpha = 0.8;
  pen.beginPath();
  pen.moveTo(frame.x.place(line[0]), frame.y.place(line[1]));
  pen.lineTo(frame.x.place(line[2]), frame.y.place(line[3]));
  pen.stroke();
  pen.globalAlpha = 1;
}

/**
 * Two points of the line where a unit bends, beyond a square on both sides of it.
 * @param {{slopes: [number, number], bias: number}} unit The unit.
 * @param {[number, number]} ends Of the square along both axes.
 * @returns {[number, number, number, number] | null} Both points; `null` of a unit that depends on nothing.
 */
export function lineInside({ slopes: [first, second], bias }, [low, high]) {
  const square = first * first + second * second;
  if (!(square > 0) || !Number.isFinite(square)) return null;
  const middle = (low + high) / 2, off = -(bias + (first + second) * middle) / square;
  const x = middle + off * first, y = middle + off * second, reach = (2 * (high - low)) / Math.sqrt(square);
  return [x - reach * second, y + reach * first, x + reach * second, y - reach * first];
}

/** @param {{x: ArrayLike<number>}} points */
const radiusOf = ({ x }) => (x.length > 100 ? 3 : 6);

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>, values: ArrayLike<number>}} points
 * @param {PlaneContent} content
 * @param {Colours} colours
 */
function drawPoints(pen, frame, points, content, colours) {
  const radius = radiusOf(points), colour = content.sure ? null : colouring(points.values, content, colours);
  pen.lineWidth = 1.5;
  pen.strokeStyle = colours.ink;
  for (let place = 0; place < points.x.length; place += 1) {
    pen.fillStyle = colour ? `rgb(${colour(place).map(Math.round).join(" ")})` : colourOfClass(points.values[place]);
    pen.beginPath();
    pen.arc(frame.x.place(points.x[place]), frame.y.place(points.y[place]), radius, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  }
}
