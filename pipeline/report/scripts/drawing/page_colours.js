// The colours of the page, as its style sheet has them for light and for dark.

/**
 * @typedef {object} Colours
 * @property {string} ink Text and the truth.
 * @property {string} quiet Ticks and titles.
 * @property {string} line Grid.
 * @property {string} paper Ground.
 * @property {string} soft A ground that stands out a little.
 * @property {string} bad What went wrong.
 * @property {string} faint What was there before.
 * @property {string} fit The trained function and its loss: blue.
 * @property {string} theory What theory predicts: vermillion.
 * @property {string} unit Hidden units: green.
 * @property {string} low Small values in the plane: blue.
 * @property {string} high Great values in the plane: orange.
 * @property {string} font Size and family of text on a canvas.
 */

/**
 * Read them where an element stands.
 * @param {Element} element A canvas.
 * @returns {Colours} As CSS writes them.
 */
export function pageColours(element) {
  const style = getComputedStyle(element);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: read("ink"),
    quiet: read("quiet"),
    line: read("line"),
    paper: read("paper"),
    soft: read("soft"),
    bad: read("bad"),
    faint: read("faint"),
    fit: read("blue"),
    theory: read("vermillion"),
    unit: read("green"),
    low: read("blue"),
    high: read("orange"),
    font: `${style.fontSize} ${style.fontFamily}`,
  };
}

// That of hidden units, green, comes last.
const OF_CLASSES = ["#0072b2", "#e69f00", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8a8a93", "#9f2efb", "#44aa99", "#009e73"];

/**
 * The colour of a class, told apart by the colour-blind.
 * @param {number} number From 0; after ten they begin again.
 * @returns {string} Six hexadecimal digits after `#`.
 */
export function colourOfClass(number) {
  return OF_CLASSES[number % OF_CLASSES.length];
}

/**
 * Red, green and blue of a colour.
 * @param {string} colour Six hexadecimal digits after `#`.
 * @returns {[number, number, number]} Each from 0 to 255.
 */
export function channels(colour) {
  const number = Number.parseInt(colour.slice(1), 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

/**
 * A colour between two others.
 * @param {[number, number, number]} from Channels at 0.
 * @param {[number, number, number]} to Channels at 1.
 * @param {number} part From 0 to 1.
 * @returns {[number, number, number]} Channels.
 */
export function between(from, to, part) {
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, from[2] + (to[2] - from[2]) * part];
}
