// A chart of Vega-Lite where it has less room than it was drawn for.

const AXES = 85, GAP = 24, LETTER = 6.7, LETTER_OF_A_TITLE = 7.2, SYMBOL = 34;  // in pixels
const MOST_OF_A_WIDTH = 0.7;

/**
 * Legends in as many columns as there is room for, wherever in a chart they are.
 * @param {any} node Part of a specification; changed.
 * @param {number} room Pixels.
 */
function narrow(node, room) {
  if (node === null || typeof node !== "object") return;
  const legend = node.legend, labels = node.scale?.domain;
  if (legend && labels) {
    const left = room - (legend.title === null ? 0 : LETTER * String(node.title ?? "").length);
    const longest = Math.max(...labels.map((/** @type {unknown} */ label) => String(label).length));
    const fitting = Math.floor(left / (longest * LETTER + SYMBOL));
    legend.columns = Math.max(1, Math.min(legend.columns ?? labels.length, fitting));
    if (legend.gradientLength) legend.gradientLength = Math.min(legend.gradientLength, left - 2 * SYMBOL);
  }
  for (const [name, child] of Object.entries(node)) if (name !== "data" && name !== "datasets") narrow(child, room);
}

/**
 * The lines of a title, each broken where it would be wider than so many pixels.
 * @param {string | string[]} lines
 * @param {number} room
 * @returns {string[]}
 */
export function broken(lines, room) {
  const letters = Math.floor(room / LETTER_OF_A_TITLE), whole = [];
  for (const line of [lines].flat()) {
    let last = "";
    for (const word of line.split(" ")) {
      if (last && last.length + 1 + word.length > letters) { whole.push(last); last = word; }
      else last = last ? `${last} ${word}` : word;
    }
    whole.push(last);
  }
  return whole;
}

/** @param {number} columns @param {number} room @returns {number} Of a panel without its axes, in pixels. */
const widthOf = (columns, room) => (room - GAP * (columns - 1)) / columns - AXES;

/**
 * As many panels in a row as have most of their width there.
 * @param {number} most
 * @param {number} width Of a panel.
 * @param {number} room
 * @returns {number} At least one.
 */
function columnsThatFit(most, width, room) {
  let columns = most;
  while (columns > 1 && widthOf(columns, room) < MOST_OF_A_WIDTH * width) columns -= 1;
  return columns;
}

/**
 * The same chart where it has only so much room: fewer panels in a row, narrower ones, legends under each other.
 * @param {any} spec Specification of Vega-Lite; stays as it is.
 * @param {number} room Pixels.
 * @returns {any}
 */
export function fitted(spec, room) {
  const chart = structuredClone(spec), panels = chart.concat ?? [chart];
  const columns = columnsThatFit(chart.concat ? chart.columns : 1, panels[0].width, room);
  if (chart.concat) chart.columns = columns;
  const left = widthOf(columns, room);
  for (const panel of panels) {
    if (panel.width > left) panel.width = Math.max(120, Math.floor(left));
    if (panel.title) panel.title = broken(panel.title, left + AXES - GAP);
  }
  const layout = {top: {anchor: "start", direction: "vertical", margin: 6}};
  chart.config = {...chart.config, legend: {...chart.config?.legend, layout: layout}};
  narrow(chart, room);
  return chart;
}
