// Type for a projector: as large as it may be so that a part of a station needs no scrolling.

const SIZES = [1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5];
const LEAST_OF_ALL = 0.85;

/**
 * @typedef {{size: number, brief: boolean}} Type How large the type of a part is beside that of the projector, and whether
 * what is said in the second place is left out.
 */

/**
 * Types to try, the best first: rather than in small type, what is said in the second place is not said.
 * @type {readonly Type[]}
 */
export const TYPES = [
  ...SIZES.filter((size) => size >= LEAST_OF_ALL).map((size) => ({ size, brief: false })),
  ...SIZES.map((size) => ({ size, brief: true })),
];

/**
 * The first type that fits, or the last.
 * @param {(type: Type) => boolean} fits
 * @returns {Type}
 */
export function firstThatFits(fits) {
  return TYPES.find(fits) ?? TYPES[TYPES.length - 1];
}

/** What must not be cut off either. */
const WIDE = "div.formula, .plots, .numbers";

/**
 * Keep the type of the part that is shown as large as it may be, also when it grows, as by an answer, or the screen does.
 * @param {readonly HTMLElement[]} parts
 * @param {() => HTMLElement | null} shown The part that is presented; null while a station is read.
 * @returns {() => void} To be called when another part is shown.
 */
export function keepFitting(parts, shown) {
  let waiting = 0;
  const now = () => {
    waiting = 0;
    const part = shown();
    if (part) firstThatFits((type) => fitsIn(part, type));
  };
  const soon = () => {
    waiting ||= requestAnimationFrame(now);
  };
  const watch = new ResizeObserver(soon);
  for (const part of parts) for (const child of part.children) watch.observe(child);
  window.addEventListener("resize", soon);
  return now;
}

/**
 * Set the type of a part; whether nothing of it is cut off then.
 * @param {HTMLElement} part
 * @param {Type} type
 */
function fitsIn(part, { size, brief }) {
  part.style.setProperty("--fit", String(size));
  part.classList.toggle("brief", brief);
  return [part, .../** @type {NodeListOf<HTMLElement>} */ (part.querySelectorAll(WIDE))].every(
    (one) => one.scrollHeight <= one.clientHeight && one.scrollWidth <= one.clientWidth,
  );
}
