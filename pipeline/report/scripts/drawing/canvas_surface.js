// A canvas that is as sharp as the screen, as large as its place, painted again when either changes, and only where it is
// in sight.

import { pageColours } from "../drawing/page_colours.js";

/**
 * @typedef {import("./page_colours.js").Colours} Colours
 * @typedef {{width: number, height: number}} Size In CSS pixels.
 * @typedef {(pen: CanvasRenderingContext2D, size: Size, colours: Colours) => void} Paint
 */

/**
 * Paint a canvas now and whenever its size, the zoom of the page or its colours change, once a frame at most.
 * @param {HTMLCanvasElement} canvas Its size is that of CSS.
 * @param {Paint} paint Called with a clean canvas; lengths are CSS pixels.
 * @returns {{repaint: () => void, stop: () => void}} To paint again, and to stop watching.
 */
export function createSurface(canvas, paint) {
  const pen = penOf(canvas), dark = matchMedia("(prefers-color-scheme: dark)");
  /** @type {Colours | null} */
  let colours = null;
  let waiting = 0, inSight = true, stale = false;
  /** @type {Size | null} To ask the page for it at every frame would make it lay out all that has changed. */
  let size = null;
  const now = () => {
    waiting = 0;
    stale = false;
    size ??= { width: canvas.clientWidth, height: canvas.clientHeight };
    if (size.width === 0 || size.height === 0) return;
    fit(canvas, size);
    colours ??= pageColours(canvas);
    const ratio = canvas.width / size.width;
    pen.setTransform(ratio, 0, 0, canvas.height / size.height, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    paint(pen, size, colours);
  };
  const repaint = () => {
    stale = !inSight;
    if (inSight) waiting ||= requestAnimationFrame(now);
  };
  const recolour = () => {
    colours = null;
    size = null;
    repaint();
  };
  const watch = new ResizeObserver(recolour);
  watch.observe(canvas);
  const sight = new IntersectionObserver(([...entries]) => {
    inSight = entries[entries.length - 1].isIntersecting;
    if (inSight && stale) repaint();
  });
  sight.observe(canvas);
  const onPaper = () => {
    if (stale) now();
  };
  window.addEventListener("beforeprint", onPaper);
  dark.addEventListener("change", recolour);
  repaint();
  const stop = () => {
    cancelAnimationFrame(waiting);
    watch.disconnect();
    sight.disconnect();
    window.removeEventListener("beforeprint", onPaper);
    dark.removeEventListener("change", recolour);
  };
  return { repaint, stop };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
function penOf(canvas) {
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("this browser draws on no canvas");
  return pen;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Size} size
 */
function fit(canvas, size) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(size.width * ratio), height = Math.round(size.height * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
