// The legends of a chart of Vega-Lite that name its series.

/**
 * Channels of a chart that show one column in one order, which Vega draws as one legend.
 * @typedef {object} Legend
 * @property {string} name Of the parameter that holds what is hidden.
 * @property {string} field
 * @property {(string | number)[]} entries
 */
/** @typedef {Map<string, ReadonlySet<string | number>>} Hidden By name of a legend; what is not there is shown. */

const CHANNELS = ["color", "fill", "stroke", "strokeDash", "shape"];

/** @param {any} spec Of a chart. @returns {any[]} Its plots. */
export const panelsOf = (spec) => spec.concat ?? [spec];

/** @param {any} panel @returns {any[]} */
export const layersOf = (panel) => panel.layer ?? [panel];

/**
 * The legends of names of a chart; those of quantities are none of them.
 * @param {any} spec Specification of Vega-Lite.
 * @returns {Legend[]} In the order in which the chart has them.
 */
export function legendsOf(spec) {
  /** @type {Map<string, Legend>} */
  const found = new Map();
  for (const channel of panelsOf(spec).flatMap(layersOf).flatMap(namingChannels)) {
    const { field, scale } = channel;
    if (!found.has(keyOf(channel))) {
      found.set(keyOf(channel), { name: `hidden_${found.size}`, field, entries: scale.domain });
    }
  }
  return [...found.values()];
}

/**
 * The channels of a layer that have a legend of names.
 * @param {any} layer
 * @returns {any[]}
 */
export function namingChannels({ encoding = {} }) {
  const channels = CHANNELS.map((channel) => encoding[channel]).filter((one) => one?.field && one.legend !== null);
  return channels.filter((one) => one.type !== "quantitative" && Array.isArray(one.scale?.domain));
}

/**
 * The legends that a layer has entries in.
 * @param {any} layer
 * @param {Legend[]} legends Of the chart.
 * @returns {Legend[]} Each once.
 */
export function legendsOfLayer(layer, legends) {
  const own = namingChannels(layer);
  return legends.filter((legend) => own.some((channel) => isIn(channel, legend)));
}

/** @param {any} channel @param {Legend} legend */
export const isIn = (channel, { field, entries }) => keyOf(channel) === JSON.stringify([field, entries]);

/** @param {any} channel */
const keyOf = ({ field, scale }) => JSON.stringify([field, scale.domain]);
