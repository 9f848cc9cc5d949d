// Entries of legends that a reader hides or shows again: parameters of the chart, by which its marks are filtered.

import { isIn, layersOf, legendsOf, legendsOfLayer, namingChannels, panelsOf } from "./chart_legends.js";
import { axesOf, followed, parametersOfAxis } from "./following_axes.js";

/** @typedef {import("./chart_legends.js").Legend} Legend */
/** @typedef {import("./chart_legends.js").Hidden} Hidden */

const PALE = 0.35, AIR_BETWEEN_ROWS = 8;

/**
 * The same chart with a parameter for each legend and for the axes that follow, so that it changes while it is shown.
 * @param {any} spec Specification of Vega-Lite; stays as it is.
 * @param {Hidden} hidden What is hidden from the start.
 * @returns {any}
 */
export function withParameters(spec, hidden) {
  const chart = structuredClone(spec), legends = legendsOf(spec);
  for (const layer of panelsOf(chart).flatMap(layersOf)) {
    const filters = legendsOfLayer(layer, legends).map(({ name, field }) => ({ filter: shown(name, `datum.${field}`) }));
    if (filters.length) layer.transform = [...(layer.transform ?? []), ...filters];
    for (const channel of namingChannels(layer)) {
      const [{ name }] = legends.filter((legend) => isIn(channel, legend));
      channel.legend = { ...channel.legend, ...paleWhereHidden(name) };
    }
  }
  for (const { name, channel, layers } of axesOf(chart, legends)) {
    for (const { layer } of layers) layer.encoding[channel] = followed(layer.encoding[channel], name);
  }
  chart.params = Object.entries(parametersOf(spec, hidden)).map(([name, value]) => ({ name, value }));
  chart.config = { ...chart.config, legend: { ...chart.config?.legend, rowPadding: AIR_BETWEEN_ROWS } };
  return chart;
}

/**
 * What the parameters of a chart are.
 * @param {any} spec Specification of Vega-Lite, without parameters.
 * @param {Hidden} hidden
 * @returns {Record<string, unknown>} By name.
 */
export function parametersOf(spec, hidden) {
  const legends = legendsOf(spec), ofLegends = legends.map(({ name }) => [name, [...(hidden.get(name) ?? [])]]);
  const ofAxes = axesOf(spec, legends).map((axis) => parametersOfAxis(axis, hidden));
  return Object.assign(Object.fromEntries(ofLegends), ...ofAxes);
}

/**
 * What is hidden of a legend once one entry is hidden or shown; where nothing would be left, all is shown again.
 * @param {Legend} legend
 * @param {ReadonlySet<string | number>} before
 * @param {string | number} entry
 * @returns {Set<string | number>}
 */
export function toggled({ entries }, before, entry) {
  const after = new Set(before);
  if (!after.delete(entry)) after.add(entry);
  return after.size === entries.length && entries.length > 1 ? new Set() : after;
}

/**
 * What is hidden of a legend once one entry is to be seen alone; where it is alone already, all is shown again.
 * @param {Legend} legend
 * @param {ReadonlySet<string | number>} before
 * @param {string | number} entry
 * @returns {Set<string | number>}
 */
export function alone({ entries }, before, entry) {
  const isAlone = !before.has(entry) && before.size === entries.length - 1;
  return new Set(isAlone ? [] : entries.filter((other) => other !== entry));
}

/** @param {string} name @param {string} value */
const shown = (name, value) => `indexof(${name}, ${value}) < 0`;

/** @param {string} name Of the parameter. */
function paleWhereHidden(name) {
  const opacity = { expr: `${shown(name, "datum.value")} ? 1 : ${PALE}` };
  return { labelOpacity: opacity, symbolOpacity: opacity };
}
