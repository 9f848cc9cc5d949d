// The name of a canvas for those who do not see it, which follows what is drawn, but not sixty times a second.

const PAUSE = 500;  // milliseconds

/**
 * Give a canvas the role of an image, and a name that can change.
 * @param {HTMLCanvasElement} canvas
 * @returns {(words: () => string) => void} Called with what is drawn now, in words.
 */
export function namedCanvas(canvas) {
  canvas.setAttribute("role", "img");
  /** @type {(() => string) | null} */
  let next = null;
  let waiting = false;
  const write = () => {
    waiting = next !== null;
    if (next === null) return;
    canvas.setAttribute("aria-label", next());
    next = null;
    setTimeout(write, PAUSE);
  };
  return (words) => {
    next = words;
    if (!waiting) write();
  };
}
