// One chart of a page, of which the entries of legends are hidden and shown.

import { legendsOf } from "./chart_legends.js";
import { fitted } from "./fitting.js";
import { alone, parametersOf, toggled, withParameters } from "./hidden_series.js";
import { createLegendButtons, placeLegendButtons } from "./legend_buttons.js";

/** @typedef {{draw: () => Promise<void>}} PageChart */

/**
 * A chart in its place on the page, not drawn yet.
 * @param {HTMLElement} place Its data say which element holds the specification, and the name of a file of it.
 * @returns {PageChart}
 */
export function createPageChart(place) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec ?? "")?.textContent ?? "");
  const actions = { export: true, source: false, compiled: false, editor: false };
  const settings = { renderer: "svg", ast: true, actions, downloadFileName: place.dataset.name };
  /** @type {Map<string, Set<string | number>>} */
  const hidden = new Map();
  /** @type {Awaited<ReturnType<typeof vegaEmbed>>["view"] | undefined} */
  let view;
  /** @type {ReadonlySet<string | number>} */
  let before = new Set();  // what was hidden before the first of two clicks
  const buttons = createLegendButtons(legendsOf(spec), (legend, entry, { detail, shiftKey }) => {
    if (detail !== 2) before = hidden.get(legend.name) ?? new Set();
    hidden.set(legend.name, (detail === 2 || shiftKey ? alone : toggled)(legend, before, entry));
    update().catch(console.error);
  });
  const legend = document.createElement("div"), drawing = document.createElement("div");
  legend.className = "legend-buttons";
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Legend");
  legend.append(...buttons.map(({ button }) => button));
  place.replaceChildren(...(buttons.length ? [legend] : []), drawing);
  if (buttons.length > 1) tellOnce(place.parentElement?.querySelector("figcaption"));

  function showButtons() {
    for (const one of buttons) {
      one.button.setAttribute("aria-pressed", String(!hidden.get(one.legend.name)?.has(one.entry)));
    }
    placeLegendButtons(buttons, place);
  }

  /** What is shown, once something else is hidden. */
  async function update() {
    for (const [name, value] of Object.entries(parametersOf(spec, hidden))) view?.signal(name, value);
    await view?.runAsync();
    showButtons();
  }

  /** @param {any} chart */
  async function embed(chart) {
    view?.finalize();
    view = (await vegaEmbed(drawing, withParameters(chart, hidden), settings)).view;
  }

  async function draw() {
    await embed(spec);
    const svg = drawing.querySelector("svg.marks"), room = (place.parentElement?.clientWidth ?? 0) - frameOf(place, drawing);
    if (svg && svg.getBoundingClientRect().width > room) await embed(fitted(spec, room));
    showButtons();
  }
  return { draw };
}

/**
 * Say how legends choose, below the first chart of a page that has one.
 * @param {Element | null | undefined} caption
 */
function tellOnce(caption) {
  if (!caption || document.querySelector(".legend-hint")) return;
  const hint = document.createElement("span");
  hint.className = "legend-hint";
  hint.textContent = " Click on an entry of a legend to hide or show it, with Shift or twice to see it alone.";
  caption.append(hint);
}

/**
 * What is around a chart on both sides: the frame is as wide as its chart, which may be as wide as what it stands in.
 * @param {HTMLElement} place
 * @param {HTMLElement} drawing
 * @returns {number} Pixels.
 */
function frameOf(place, drawing) {
  const sides = [place, drawing].map((one) => getComputedStyle(one));
  return place.offsetWidth - place.clientWidth
    + sides.reduce((sum, style) => sum + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight), 0);
}
