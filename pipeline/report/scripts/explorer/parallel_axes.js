// Trials as lines over parallel axes: a drag along an axis keeps those between its ends, a click on it keeps all again.

import { createSurface } from "../drawing/canvas_surface.js";
import { between, channels } from "../drawing/page_colours.js";
import { STOPS } from "./colour_scale.js";
import { element } from "./elements.js";
import { fractionOn, thinned, valueOn, wordsOn } from "./trial_axes.js";

/** @typedef {import("./trial_axes.js").TrialAxis} TrialAxis */
/** @typedef {import("./address.js").Bounds} Bounds */
/** @typedef {{kept: readonly number[], bounds: Bounds, chosen: number, colour: (trial: number) => number}} Lines */
/** @typedef {(name: string, bound: [number, number] | null, isLast: boolean) => void} OnBrush */

const MOST_LINES = 2000,
  MOST_FAINT = 600,
  ABOVE = 46,
  BELOW = 22,
  LEAST_APART = 84,
  CLICK = 4,
  GAP = 6;

/**
 * The axes on a canvas.
 * @param {readonly TrialAxis[]} axes
 * @param {OnBrush} onBrush
 * @returns {{whole: HTMLElement, show: (lines: Lines) => void}}
 */
export function createParallelAxes(axes, onBrush) {
  const canvas = element("canvas", { class: "parallel", role: "img" });
  canvas.style.minWidth = `${axes.length * LEAST_APART}px`;
  /** @type {Lines} */
  let lines = { kept: [], bounds: {}, chosen: -1, colour: () => 0 };
  const all = axes[0]?.values.map((_, trial) => trial) ?? [],
    faint = thinned([...all], MOST_FAINT);
  const surface = createSurface(canvas, (pen, size, colours) =>
    paint(pen, size, colours, axes, lines, faint, rampOf(canvas)),
  );
  listen(canvas, axes, onBrush);
  return {
    whole: element(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Trials over parallel axes" },
      canvas,
    ),
    show: (shown) => {
      lines = shown;
      const names = axes.map(({ label }) => label).join(", ");
      canvas.setAttribute("aria-label", `${shown.kept.length} of ${all.length} trials as lines over ${names}.`);
      surface.repaint();
    },
  };
}

/** @param {HTMLCanvasElement} canvas @returns {[number, number, number][]} */
function rampOf(canvas) {
  const style = getComputedStyle(canvas);
  return Array.from({ length: STOPS }, (_, stop) => channels(style.getPropertyValue(`--ramp-${stop}`).trim()));
}

/**
 * @param {{width: number, height: number}} size
 * @param {number} count
 */
function placesOf({ width, height }, count) {
  const apart = width / count;
  return {
    across: (/** @type {number} */ axis) => (axis + 0.5) * apart,
    apart,
    top: ABOVE + 14,
    bottom: height - BELOW,
    up: (/** @type {number} */ fraction) => height - BELOW - fraction * (height - BELOW - ABOVE - 14),
  };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {{width: number, height: number}} size
 * @param {import("../drawing/page_colours.js").Colours} colours
 * @param {readonly TrialAxis[]} axes
 * @param {Lines} lines
 * @param {readonly number[]} faint
 * @param {[number, number, number][]} ramp
 */
function paint(pen, size, colours, axes, lines, faint, ramp) {
  const places = placesOf(size, axes.length);
  const along = (/** @type {number} */ trial) => {
    let isDown = false;
    axes.forEach((axis, place) => {
      const value = axis.values[trial],
        x = places.across(place),
        y = places.up(fractionOn(axis, value));
      if (isDown && !Number.isNaN(value)) pen.lineTo(x, y);
      else pen.moveTo(x, y);
      isDown = !Number.isNaN(value);
    });
  };
  const stroke = (
    /** @type {readonly number[]} */ trials,
    /** @type {string} */ colour,
    /** @type {number} */ width,
    /** @type {number} */ alpha,
  ) => {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.globalAlpha = alpha;
    pen.beginPath();
    trials.forEach(along);
    pen.stroke();
    pen.globalAlpha = 1;
  };
  pen.lineJoin = "round";
  stroke(faint, colours.line, 1, 0.6);
  const drawn = thinned(lines.kept, MOST_LINES),
    alpha = Math.max(0.25, Math.min(0.9, 60 / drawn.length));
  for (const [colour, trials] of byColour(drawn, lines.colour, ramp)) stroke(trials, colour, 1.4, alpha);
  axes.forEach((axis, place) => paintAxis(pen, axis, place, places, lines.bounds[axis.name], colours));
  if (lines.chosen >= 0) {
    stroke([lines.chosen], colours.paper, 5.5, 1);
    stroke([lines.chosen], colours.ink, 2.5, 1);
  }
}

/**
 * @param {readonly number[]} trials
 * @param {(trial: number) => number} fraction
 * @param {[number, number, number][]} ramp
 * @returns {Map<string, number[]>}
 */
function byColour(trials, fraction, ramp) {
  /** @type {Map<string, number[]>} */
  const groups = new Map();
  for (const trial of trials) {
    const place = Math.round((1 - fraction(trial)) * 4 * (STOPS - 1)) / 4,
      stop = Math.min(Math.floor(place), STOPS - 2);
    const colour = `rgb(${between(ramp[stop], ramp[stop + 1], place - stop)
      .map(Math.round)
      .join(" ")})`;
    const group = groups.get(colour);
    if (group) group.push(trial);
    else groups.set(colour, [trial]);
  }
  return groups;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {TrialAxis} axis
 * @param {number} place
 * @param {ReturnType<typeof placesOf>} places
 * @param {[number, number] | undefined} bound
 * @param {import("../drawing/page_colours.js").Colours} colours
 */
function paintAxis(pen, axis, place, { across, up, top, bottom, apart }, bound, colours) {
  const x = Math.round(across(place)) + 0.5,
    room = apart - GAP;
  pen.strokeStyle = colours.quiet;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, top);
  pen.lineTo(x, bottom);
  pen.stroke();
  if (bound) {
    const high = up(fractionOn(axis, bound[1])) - 3,
      low = up(fractionOn(axis, bound[0])) + 3;
    pen.fillStyle = colours.theory;
    pen.globalAlpha = 0.3;
    pen.fillRect(x - 9, high, 18, low - high);
    pen.globalAlpha = 1;
    pen.strokeStyle = colours.theory;
    pen.strokeRect(x - 9, high, 18, low - high);
  }
  pen.font = colours.font;
  pen.textAlign = "center";
  pen.textBaseline = "alphabetic";
  pen.fillStyle = colours.ink;
  pen.fillText(cut(pen, axis.label, room), x, 15);
  pen.fillStyle = colours.quiet;
  pen.fillText(cut(pen, wordsOn(axis, axis.greatest), room), x, 32);
  pen.fillText(cut(pen, wordsOn(axis, axis.least), room), x, bottom + 16);
}

/**
 * A text that has so many pixels, its end left out.
 * @param {CanvasRenderingContext2D} pen
 * @param {string} text
 * @param {number} room
 */
function cut(pen, text, room) {
  let kept = text.length;
  while (kept > 1 && pen.measureText(kept < text.length ? `${text.slice(0, kept)}…` : text).width > room) kept -= 1;
  return kept < text.length ? `${text.slice(0, kept)}…` : text;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {readonly TrialAxis[]} axes
 * @param {OnBrush} onBrush
 */
function listen(canvas, axes, onBrush) {
  /** @type {{axis: TrialAxis, from: number, bound: [number, number] | null} | null} */
  let drag = null;
  const fraction = (/** @type {number} */ down) => {
    const { bottom, top } = placesOf({ width: canvas.clientWidth, height: canvas.clientHeight }, axes.length);
    return (bottom - down) / (bottom - top);
  };
  canvas.addEventListener("pointerdown", (event) => {
    const axis = axes[Math.floor((event.offsetX / canvas.clientWidth) * axes.length)];
    if (!axis || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drag = { axis, from: event.offsetY, bound: null };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag || (!drag.bound && Math.abs(event.offsetY - drag.from) < CLICK)) return;
    const ends = [fraction(event.offsetY), fraction(drag.from)].sort((a, b) => a - b);
    drag.bound = [valueOn(drag.axis, ends[0]), valueOn(drag.axis, ends[1])];
    onBrush(drag.axis.name, drag.bound, false);
  });
  canvas.addEventListener("pointerup", () => {
    if (drag) onBrush(drag.axis.name, drag.bound, true);
    drag = null;
  });
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
}
