// The map of learning rate and width: a grid in which a cell is chosen by mouse, touch or keys.

import { STOPS, colourOf } from "./colour_scale.js";
import { element, svgElement } from "./elements.js";
import { placeAfter } from "./grid_keys.js";

/**
 * @typedef {object} MapCell
 * @property {string} words What is read out of it.
 * @property {number | null} fraction On the scale of colours; null where there is no number.
 * @property {number} diverged Share of its trials.
 * @property {boolean} isBest
 */
/**
 * @typedef {object} RateMap
 * @property {string} title
 * @property {string} quantity What the colours show.
 * @property {string} rateTitle
 * @property {readonly string[]} rates Of the rows, from above.
 * @property {readonly string[]} widths Of the columns.
 * @property {(MapCell | null)[][]} cells By row and column; null where nothing was trained.
 * @property {(number | null)[]} limits Of each column, in rows from the lower edge.
 * @property {string} limitWords
 * @property {[string, string] | null} ends Of the scale of colours; null where there is no number to show.
 * @property {string} nothing What is said then.
 */
/** @typedef {import("./grid_keys.js").Place} Place */

const MOST_LABELS = 12;

/**
 * The map in its place on the page.
 * @param {HTMLElement} place
 * @param {(place: Place) => void} onChoose
 * @returns {{draw: (map: RateMap, chosen: Place | null) => void, choose: (chosen: Place | null) => void}}
 */
export function createRateMap(place, onChoose) {
  /** @type {HTMLElement[][]} */
  let cells = [];
  /** @type {Place | null} */
  let now = null;
  let told = () => {};

  /** @param {Place | null} chosen */
  function choose(chosen) {
    const stop = chosen ?? { row: 0, column: 0 };
    cells.forEach((row, y) =>
      row.forEach((cell, x) => {
        const isNow = chosen?.row === y && chosen.column === x;
        if (cell.ariaSelected !== String(isNow)) cell.ariaSelected = String(isNow);
        cell.tabIndex = stop.row === y && stop.column === x ? 0 : -1;
      }),
    );
    now = chosen;
    told();
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const from = now ?? { row: 0, column: 0 };
    const to = placeAfter(from, event, cells.length, cells[0]?.length ?? 0);
    if (!to || event.altKey || event.metaKey) return;
    event.preventDefault();
    cells[to.row][to.column].focus();
    if (to.row !== now?.row || to.column !== now.column) onChoose(to);
  }

  /** @param {RateMap} map @param {Place | null} chosen */
  function draw(map, chosen) {
    const hadFocus = place.contains(document.activeElement);
    cells = map.cells.map((row, y) => row.map((cell, x) => gridCell(cell, y, x, onChoose)));
    const readout = element("p", { class: "readout", "aria-hidden": "true" });
    const read = (/** @type {Place | null} */ at) => {
      readout.textContent = at ? (map.cells[at.row][at.column]?.words ?? "") : "";
    };
    const grid = element("div", { role: "grid", class: "rate-map", "aria-label": map.title, tabindex: null });
    place.style.setProperty("--rows", String(map.rates.length));
    place.style.setProperty("--columns", String(map.widths.length));
    grid.append(...cells.map((row, y) => gridRow(map, row, y)), headers(map), limitLines(map));
    grid.addEventListener("keydown", onKey);
    grid.addEventListener("pointerover", ({ target }) => read(placeIn(cells, target) ?? now));
    grid.addEventListener("pointerleave", () => read(now));
    told = () => read(now);
    place.replaceChildren(
      element("p", { class: "axis-title", "aria-hidden": "true" }, map.rateTitle),
      grid,
      element("p", { class: "axis-title below", "aria-hidden": "true" }, "width"),
      readout,
      legend(map),
    );
    choose(chosen);
    if (hadFocus && now) cells[now.row]?.[now.column]?.focus();
  }

  return { draw, choose };
}

/**
 * @param {HTMLElement[][]} cells
 * @param {EventTarget | null} target
 * @returns {Place | null}
 */
function placeIn(cells, target) {
  const row = cells.findIndex((all) => all.some((cell) => target instanceof Node && cell.contains(target)));
  if (row < 0) return null;
  return { row, column: cells[row].findIndex((cell) => cell.contains(/** @type {Node} */ (target))) };
}

/**
 * @param {MapCell | null} cell
 * @param {number} row
 * @param {number} column
 * @param {(place: Place) => void} onChoose
 */
function gridCell(cell, row, column, onChoose) {
  const made = element("div", {
    role: "gridcell",
    tabindex: -1,
    "aria-label": cell?.words ?? "nothing trained here",
    class: ["cell", cell ? "" : "absent", cell?.isBest ? "best" : ""].join(" ").trim(),
  });
  made.style.gridArea = `${row + 1} / ${column + 2}`;
  if (cell && cell.fraction !== null) made.style.background = colourOf(cell.fraction);
  if (cell && cell.diverged > 0) made.append(cross(cell.diverged));
  made.addEventListener("click", () => {
    made.focus();
    onChoose({ row, column });
  });
  return made;
}

/** @param {number} share */
function cross(share) {
  const lines = { d: "M-5,-5L5,5M5,-5L-5,5" };
  return svgElement(
    "svg",
    { class: "cross", viewBox: "-8 -8 16 16", "aria-hidden": "true", opacity: 0.5 + share / 2 },
    svgElement("path", { ...lines, class: "casing" }),
    svgElement("path", lines),
  );
}

/** @param {RateMap} map @param {HTMLElement[]} cells @param {number} row */
function gridRow(map, cells, row) {
  const every = Math.ceil(map.rates.length / MOST_LABELS),
    isTold = (map.rates.length - 1 - row) % every === 0;
  const header = element("span", { role: "rowheader", class: isTold ? "rate" : "rate untold" }, map.rates[row]);
  header.style.gridArea = `${row + 1} / 1`;
  return element("div", { role: "row" }, header, ...cells);
}

/** @param {RateMap} map */
function headers(map) {
  const every = Math.ceil(map.widths.length / MOST_LABELS);
  const all = map.widths.map((width, column) => {
    const header = element("span", { role: "columnheader", class: column % every ? "width untold" : "width" }, width);
    header.style.gridArea = `${map.rates.length + 1} / ${column + 2}`;
    return header;
  });
  return element("div", { role: "row" }, ...all);
}

/** @param {RateMap} map */
function limitLines({ limits, rates, widths }) {
  const box = { viewBox: `0 0 ${widths.length} ${rates.length}`, preserveAspectRatio: "none" };
  const lines = limits.flatMap((height, column) => {
    if (height === null) return [];
    const line = { x1: column, x2: column + 1, y1: rates.length - height, y2: rates.length - height };
    return [svgElement("line", { ...line, class: "casing" }), svgElement("line", line)];
  });
  const svg = svgElement("svg", { ...box, class: "limits", "aria-hidden": "true" }, ...lines);
  svg.style.gridArea = `1 / 2 / ${rates.length + 1} / ${widths.length + 2}`;
  return svg;
}

/** @param {RateMap} map */
function legend(map) {
  const colours = Array.from({ length: STOPS }, (_, stop) => `var(--ramp-${STOPS - 1 - stop})`);
  const bar = element("span", { class: "bar" });
  bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  const [least, greatest] = (map.ends ?? []).map((end) => element("span", {}, end));
  const all = map.cells.flat(),
    entries = [
      map.ends
        ? element("span", {}, element("span", {}, map.quantity), least, bar, greatest)
        : element("span", {}, map.nothing),
    ];
  if (all.some((cell) => cell?.isBest)) entries.push(element("span", {}, element("i", { class: "best-key" }), "least"));
  if (map.ends && all.some((cell) => cell?.diverged)) entries.push(element("span", {}, cross(1), "diverged"));
  if (map.limits.some((height) => height !== null))
    entries.push(element("span", {}, element("i", { class: "limit-key" }), map.limitWords));
  return element("p", { class: "legend" }, ...entries);
}
