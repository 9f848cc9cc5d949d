// Logarithmic axes that follow what is shown: where an outlier is hidden, the others get its room.

import { layersOf, legendsOfLayer, panelsOf } from "./chart_legends.js";

/** @typedef {import("./chart_legends.js").Legend} Legend */
/** @typedef {import("./chart_legends.js").Hidden} Hidden */
/**
 * @typedef {object} Axis
 * @property {string} name Ends the names of its parameters.
 * @property {"x" | "y"} channel
 * @property {[number, number]} whole Its ends where everything is shown.
 * @property {number[]} ticks Those of the whole.
 * @property {{layer: any, rows: any[], legends: Legend[]}[]} layers What is drawn along it.
 */

const MARGIN = 1.3, CUT_BEYOND = 10, FEWEST_TICKS = 2, FEWEST_POWERS = 3, MOST_GAPS = 6;
const SMALLEST_PLAIN = 1e-3, LARGEST_PLAIN = 1e3;
/** @type {("x" | "y")[]} */
const PLACES = ["x", "y"];

/**
 * The logarithmic axes of a chart with given ends, and with ticks that are round numbers and not, say, the widths.
 * @param {any} spec Specification of Vega-Lite.
 * @param {Legend[]} legends Of the chart.
 * @returns {Axis[]}
 */
export function axesOf(spec, legends) {
  return panelsOf(spec).flatMap((panel, number) =>
    PLACES.flatMap((channel) => {
      const along = layersOf(panel).filter((layer) => hasEnds(layer.encoding?.[channel]));
      const axis = along.map((layer) => layer.encoding[channel].axis).find((one) => one?.labelExpr);
      if (!axis) return [];
      /** @type {[number, number]} */
      const whole = along[0].encoding[channel].scale.domain;
      const layers = along.map((layer) => ({ layer, rows: rowsOf(spec, layer), legends: legendsOfLayer(layer, legends) }));
      return [{ name: `${channel}_${number}`, channel, whole, ticks: axis.values, layers }];
    }),
  );
}

/** @param {any} channel */
const hasEnds = (channel) => channel?.scale?.type === "log" && Array.isArray(channel.scale.domain);

/** @param {any} spec @param {any} layer @returns {any[]} */
const rowsOf = (spec, { data }) => spec.datasets?.[data?.name] ?? data?.values ?? [];

/**
 * A channel with the ends and ticks of an axis that follows.
 * @param {any} channel Stays as it is.
 * @param {string} name Of the axis.
 * @returns {any}
 */
export function followed({ scale, axis, ...others }, name) {
  const ends = { ...scale, domain: [{ expr: `low_${name}` }, { expr: `high_${name}` }] };
  const labelExpr = `names_${name}[indexof(ticks_${name}, datum.value)]`;
  return { ...others, scale: ends, axis: axis && { ...axis, values: { expr: `ticks_${name}` }, labelExpr } };
}

/**
 * Ends, ticks and their names of an axis.
 * @param {Axis} axis
 * @param {Hidden} hidden
 * @returns {Record<string, unknown>}
 */
export function parametersOfAxis({ name, channel, whole, ticks, layers }, hidden) {
  const all = layers.flatMap((one) => placesOf(one, channel, new Map()));
  const [cut, shown] = [true, false].map((isCut) => layers.filter(({ layer }) => (layer.mark.clip ?? false) === isCut)
    .flatMap((one) => placesOf(one, channel, hidden)));
  const isWhole = shown.length + cut.length === all.length || shown.length === 0;
  const [low, high] = isWhole ? whole : endsOf(shown, cut, whole), marked = isWhole ? ticks : logTicks(low, high);
  return {
    [`low_${name}`]: low,
    [`high_${name}`]: high,
    [`ticks_${name}`]: marked,
    [`names_${name}`]: marked.map(tickName),
  };
}

/**
 * Where what is shown of a layer lies along an axis.
 * @param {{layer: any, rows: any[], legends: Legend[]}} drawn
 * @param {string} channel
 * @param {Hidden} hidden
 * @returns {number[]}
 */
function placesOf({ layer, rows, legends }, channel, hidden) {
  const fields = [channel, `${channel}2`].map((end) => layer.encoding[end]?.field).filter(Boolean);
  const shown = rows.filter((row) => legends.every((one) => !hidden.get(one.name)?.has(entryOf(row, layer, one))));
  return shown.flatMap((row) => fields.map((field) => row[field])).filter((value) => value > 0);
}

/**
 * The entry of a row in a legend: in a column of its own, or the one of the whole layer.
 * @param {any} row
 * @param {any} layer
 * @param {Legend} legend
 */
function entryOf(row, layer, { field }) {
  const ofLayer = layer.transform?.find((/** @type {any} */ one) => one.as === field)?.calculate;
  return ofLayer === undefined ? row[field] : ofLayer.slice(1, -1);
}

/**
 * Ends of an axis a little beyond its values, but within the whole of it; wider where fewer than two ticks lie between.
 * @param {number[]} values At least one.
 * @param {number[]} cut Of marks that are cut off at the frame: up to ten times beyond the others they widen it.
 * @param {[number, number]} whole
 * @returns {[number, number]}
 */
export function endsOf(values, cut, [least, greatest]) {
  const lowest = leastOf(values) / CUT_BEYOND, highest = greatestOf(values) * CUT_BEYOND;
  const all = [...values, ...cut.map((value) => Math.min(Math.max(value, lowest), highest))];
  const low = Math.max(leastOf(all) / MARGIN, least), high = Math.min(greatestOf(all) * MARGIN, greatest);
  const seen = logTicks(low, high).filter((tick) => tick >= low && tick <= high);
  return seen.length < FEWEST_TICKS ? [low / Math.sqrt(10), high * Math.sqrt(10)] : [low, high];
}

/** @param {number[]} values */
const leastOf = (values) => values.reduce((a, b) => Math.min(a, b));

/** @param {number[]} values */
const greatestOf = (values) => values.reduce((a, b) => Math.max(a, b));

/**
 * Round numbers from just below the least value to just above the greatest, as `log_ticks` of the charts has them.
 * @param {number} low
 * @param {number} high
 * @returns {number[]} Powers of ten; 1, 2 and 5 times these where fewer than three powers lie between.
 */
export function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const powers = Array.from({ length: last - first + 1 }, (_, place) => first + place);
  const between = powers.filter((power) => Number(`1e${power}`) >= low && Number(`1e${power}`) <= high).length;
  if (between < FEWEST_POWERS) return powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  const stride = Math.max(1, Math.ceil((last - first) / MOST_GAPS));
  return powers.filter((power) => power % stride === 0).map((power) => Number(`1e${power}`));
}

/**
 * A tick in words, as `number_label` of the charts has it: plain from 0.001 to 1000, else as 1e5.
 * @param {number} value
 * @returns {string}
 */
export function tickName(value) {
  if (value >= SMALLEST_PLAIN && value <= LARGEST_PLAIN) return String(Number(value.toPrecision(6)));
  return value.toExponential(0).replace("+", "");
}
