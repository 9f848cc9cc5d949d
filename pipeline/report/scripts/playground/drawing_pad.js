// A target that a person draws over the figure: with mouse, finger or pen, or by arrow keys.

import { shortNumber } from "../drawing/number_text.js";

/** @typedef {import("../drawing/plot_frame.js").Frame} Frame */
/** @typedef {[number, number]} Place A place of the drawing: x and the height there. */

export const NUM_PLACES = 41;
export const HIGHEST = 1.5;
const STEP_UP = 0.05;

/**
 * The places of a drawing: evenly spaced from -1 to 1.
 * @returns {number[]}
 */
export function padPlaces() {
  return Array.from({ length: NUM_PLACES }, (_, place) => Number((-1 + (2 * place) / (NUM_PLACES - 1)).toFixed(4)));
}

/**
 * A drawing with a stroke added: what it passes over gets the heights of the straight line between its ends.
 * @param {Place[]} drawn Places with heights, in order.
 * @param {Place} from Where the stroke begins.
 * @param {Place} to Where it ends.
 * @returns {Place[]} The drawing, in order.
 */
export function withStroke(drawn, from, to) {
  const [first, second] = from[0] <= to[0] ? [from, to] : [to, from], width = second[0] - first[0];
  const half = 1 / (NUM_PLACES - 1) + 1e-9, heights = new Map(drawn.map(([x, y]) => [x, y]));
  for (const x of padPlaces()) {
    if (x < first[0] - half || x > second[0] + half) continue;
    const part = width > 0 ? Math.min(1, Math.max(0, (x - first[0]) / width)) : 1;
    const height = width > 0 ? first[1] + part * (second[1] - first[1]) : to[1];
    heights.set(x, Number(Math.min(HIGHEST, Math.max(-HIGHEST, height)).toFixed(3)));
  }
  return Array.from(heights).sort(([one], [other]) => one - other);
}

/**
 * The height of a drawing at a place: straight lines between what was drawn, level beyond it.
 * @param {Place[]} drawn Places with heights, in order; one at least.
 * @param {number} x A place.
 * @returns {number} The height.
 */
export function heightAt(drawn, x) {
  const next = drawn.findIndex(([place]) => place >= x);
  if (next === -1) return drawn[drawn.length - 1][1];
  if (next === 0) return drawn[0][1];
  const [[left, low], [right, high]] = [drawn[next - 1], drawn[next]];
  return low + ((high - low) * (x - left)) / (right - left);
}

/**
 * Let a person draw on an element that lies over a plot.
 * @param {HTMLElement} pad With the role of a slider: arrow keys move along it and up.
 * @param {() => Frame | null} frame Where values stand now.
 * @param {() => Place[]} drawn What is drawn now.
 * @param {(drawn: Place[]) => void} draw Called with each change.
 */
export function createDrawingPad(pad, frame, drawn, draw) {
  const places = padPlaces();
  let cursor = (NUM_PLACES - 1) / 2, before = /** @type {Place | null} */ (null);
  const at = (/** @type {PointerEvent} */ event) => {
    const box = pad.getBoundingClientRect(), here = frame();
    if (here === null) return null;
    const x = here.x.value(event.clientX - box.left), y = here.y.value(event.clientY - box.top);
    return /** @type {Place} */ ([Math.min(1, Math.max(-1, x)), y]);
  };
  const say = () => {
    const x = places[cursor], height = drawn().length ? heightAt(drawn(), x) : 0;
    pad.setAttribute("aria-valuenow", height.toFixed(2));
    pad.setAttribute("aria-valuetext", `at x = ${shortNumber(x)} the target is ${shortNumber(height)}`);
    pad.style.setProperty("--cursor", `${frame()?.x.place(x) ?? 0}px`);
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    before = at(event);
    if (before) draw(withStroke(drawn(), before, before));
  });
  pad.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (before === null || here === null) return;
    draw(withStroke(drawn(), before, here));
    before = here;
  });
  for (const ending of ["pointerup", "pointercancel"]) {
    pad.addEventListener(ending, () => {
      before = null;
      say();
    });
  }
  pad.addEventListener("keydown", (event) => {
    const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const up = { ArrowUp: STEP_UP, ArrowDown: -STEP_UP }[event.key];
    if (along === undefined && up === undefined) return;
    event.preventDefault();
    cursor = Math.min(NUM_PLACES - 1, Math.max(0, cursor + (along ?? 0)));
    const x = places[cursor], height = (drawn().length ? heightAt(drawn(), x) : 0) + (up ?? 0);
    if (up !== undefined) draw(withStroke(drawn(), [x, height], [x, height]));
    say();
  });
  pad.addEventListener("focus", say);
}
