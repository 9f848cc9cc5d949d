// The frame of a plot: its axes with ticks and titles, and the room that they leave.

import { scaleOf } from "../drawing/axis_scales.js";

/**
 * @typedef {import("./axis_scales.js").Axis} Axis
 * @typedef {import("./axis_scales.js").Scale} Scale
 * @typedef {import("./page_colours.js").Colours} Colours
 * @typedef {import("./canvas_surface.js").Size} Size
 */

/**
 * @typedef {object} Frame
 * @property {Scale} x
 * @property {Scale} y
 * @property {{left: number, top: number, right: number, bottom: number}} inside In pixels.
 */

const GAP = 6, TICK_ROOM = 1.6, LETTERS_OF_A_TICK = 4.5;

/**
 * Draw the axes of a plot.
 * @param {CanvasRenderingContext2D} pen Of a canvas in CSS pixels.
 * @param {Size} size Of the canvas.
 * @param {{x: Axis, y: Axis}} axes Both of them.
 * @param {Colours} colours Of the page.
 * @param {{beside?: number, alike?: boolean}} [ticks] Pixels that marks reach beyond the axes, which words leave free; and
 *   whether both axes have ticks as far apart.
 * @returns {Frame} Where values stand.
 */
export function drawFrame(pen, size, axes, colours, { beside = 0, alike = false } = {}) {
  pen.font = colours.font;
  const letter = pen.measureText("0").width, line = 2 * letter;
  const top = line + GAP + beside, bottom = size.height - 2 * line - GAP - beside, right = size.width - 2 * letter;
  const roomUp = Math.max(2, Math.floor((bottom - top) / (TICK_ROOM * line)));
  const mostUp = alike ? Math.min(roomUp, mostTicks(bottom - top, line)) : roomUp;
  const upright = scaleOf(axes.y, bottom, top), ticksUp = upright.ticks(mostUp);
  const left = Math.max(3 * letter, ...ticksUp.map((tick) => pen.measureText(tick.text).width)) + 2 * GAP + beside;
  const flat = scaleOf(axes.x, left, right);
  const frame = { x: flat, y: upright, inside: { left, top, right, bottom } };
  const mostAcross = alike ? mostUp : mostTicks(right - left, line);
  drawGrid(pen, frame, ticksUp, flat.ticks(mostAcross), colours, { line, beside });
  pen.fillStyle = colours.quiet;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.fillText(axes.y.title, 0, top - beside - GAP - line / 4);
  pen.textAlign = "right";
  pen.fillText(axes.x.title, right, size.height - line / 3);
  return frame;
}

/** @param {number} width @param {number} line */
const mostTicks = (width, line) => Math.max(2, Math.floor(width / (LETTERS_OF_A_TICK * line)));

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frame} frame
 * @param {{value: number, text: string}[]} ticksUp
 * @param {{value: number, text: string}[]} ticksAcross
 * @param {Colours} colours
 * @param {{line: number, beside: number}} room
 */
function drawGrid(pen, frame, ticksUp, ticksAcross, colours, { line, beside }) {
  const { left, top, right, bottom } = frame.inside;
  pen.lineWidth = 1;
  pen.strokeStyle = colours.line;
  pen.fillStyle = colours.quiet;
  pen.beginPath();
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  for (const tick of ticksUp) {
    const place = sharp(frame.y.place(tick.value));
    pen.moveTo(left, place);
    pen.lineTo(right, place);
    pen.fillText(tick.text, left - GAP - beside, place);
  }
  pen.textAlign = "center";
  pen.textBaseline = "top";
  for (const tick of ticksAcross) {
    const place = sharp(frame.x.place(tick.value));
    pen.moveTo(place, top);
    pen.lineTo(place, bottom);
    pen.fillText(tick.text, place, bottom + line / 3 + beside);
  }
  pen.stroke();
}

/**
 * Draw only inside the axes while a function runs.
 * @param {CanvasRenderingContext2D} pen Of the canvas.
 * @param {Frame} frame Of the plot.
 * @param {() => void} draw What is drawn.
 */
export function clipped(pen, frame, draw) {
  const { left, top, right, bottom } = frame.inside;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, right - left, bottom - top);
  pen.clip();
  draw();
  pen.restore();
}

/**
 * Draw a line through points; where a value is not a number the line has a gap.
 * @param {CanvasRenderingContext2D} pen Of the canvas.
 * @param {Frame} frame Of the plot.
 * @param {ArrayLike<number>} x Values across.
 * @param {ArrayLike<number>} y Values up, as many.
 * @param {{colour: string, width?: number, dashes?: number[]}} look Of the line.
 */
export function drawLine(pen, frame, x, y, look) {
  const { top, bottom } = frame.inside, beyond = 4 * (bottom - top);
  pen.strokeStyle = look.colour;
  pen.lineWidth = look.width ?? 2;
  pen.lineJoin = "round";
  pen.setLineDash(look.dashes ?? []);
  pen.beginPath();
  let down = false;
  for (let place = 0; place < x.length; place += 1) {
    const up = frame.y.place(y[place]);
    if (Number.isNaN(up)) {
      down = false;
      continue;
    }
    // Lengths that no screen has slow a canvas down.
    const height = Math.min(bottom + beyond, Math.max(top - beyond, up)), across = frame.x.place(x[place]);
    if (down) pen.lineTo(across, height);
    else pen.moveTo(across, height);
    down = true;
  }
  pen.stroke();
  pen.setLineDash([]);
}

/** @param {number} place */
function sharp(place) {
  return Math.round(place) + 0.5;
}
