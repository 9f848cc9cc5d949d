// The modes of a linear model: by what each shrinks in a step, over its eigenvalue.

import { createSurface } from "../drawing/canvas_surface.js";
import { namedCanvas } from "../drawing/canvas_name.js";
import { shortNumber } from "../drawing/number_text.js";
import { clipped, drawFrame } from "../drawing/plot_frame.js";

/** @typedef {{eigenvalue: number, factor: number}} Mode */

/**
 * Show modes on a canvas.
 * @param {HTMLCanvasElement} canvas Where.
 * @returns {{show: (modes: Mode[]) => void}}
 */
export function createModePlot(canvas) {
  /** @type {Mode[]} */
  let modes = [];
  const name = namedCanvas(canvas), surface = createSurface(canvas, (pen, size, colours) => {
    const { low, high, top } = spans(modes);
    const frame = drawFrame(pen, size, {
      x: { kind: "log", low, high, title: "eigenvalue λ" },
      y: { kind: "linear", low: 0, high: top, title: "a step multiplies the mode by" },
    }, colours);
    const one = frame.y.place(1), { left, right, bottom } = frame.inside;
    line(pen, left, one, right, one, colours.theory, 2);
    clipped(pen, frame, () => {
      for (const { eigenvalue, factor } of modes) {
        const across = frame.x.place(eigenvalue), up = Math.max(frame.inside.top + 5, frame.y.place(factor));
        const colour = factor > 1 ? colours.bad : colours.fit;
        line(pen, across, bottom, across, up, colour, 2);
        pen.fillStyle = colour;
        pen.beginPath();
        pen.arc(across, up, 4, 0, 2 * Math.PI);
        pen.fill();
      }
    });
  });
  const show = (/** @type {Mode[]} */ next) => {
    modes = next;
    name(() => modesInWords(next));
    surface.repaint();
  };
  return { show };
}

/** @param {Mode[]} modes */
function spans(modes) {
  const eigenvalues = modes.map((mode) => mode.eigenvalue), factors = modes.map((mode) => mode.factor);
  const low = Math.min(1, ...eigenvalues), high = Math.max(low, ...eigenvalues);
  return { low: low / 2, high: high * 2, top: Math.min(3, Math.max(1.25, 1.1 * Math.max(0, ...factors))) };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {number} fromX
 * @param {number} fromY
 * @param {number} toX
 * @param {number} toY
 * @param {string} colour
 * @param {number} width
 */
function line(pen, fromX, fromY, toX, toY, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

/**
 * What the plot shows, in words.
 * @param {Mode[]} modes Any.
 * @returns {string} A sentence.
 */
export function modesInWords(modes) {
  if (!modes.length) return "Nothing is drawn yet.";
  const growing = modes.filter((mode) => mode.factor > 1).length;
  const slowest = Math.max(...modes.map((mode) => mode.factor));
  const said = growing ? `${growing} of ${modes.length} modes grow` : `all ${modes.length} modes shrink`;
  return `A step multiplies the modes by up to ${shortNumber(slowest, 4)}: ${said}.`;
}
