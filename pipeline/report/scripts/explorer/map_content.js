// What the map of learning rate and width shows for a problem and a model.

import { shortNumber } from "../drawing/number_text.js";
import { BEST_OF_MODEL } from "./choice.js";
import { fractionOf, scaleOf } from "./colour_scale.js";
import { heightOf } from "./rate_axis.js";
import { LOSS } from "./step_content.js";
import { valueWords } from "./value_words.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./rate_map.js").RateMap} RateMap */
/** @typedef {import("./rate_map.js").MapCell} MapCell */

const SOLVER = -1;
const DONE = "done";

/**
 * The map, with the cell of each of its places.
 * @param {Sweep} sweep
 * @param {number} problem
 * @param {number} model
 * @param {string} shown Name of a diagnostic.
 * @returns {{map: RateMap, cells: number[][]}} Rows from above; -1 for no cell.
 */
export function mapOf(sweep, problem, model, shown) {
  const { data, cells: columns } = sweep;
  const all = Array.from(columns.problem, (_, cell) => cell).filter((cell) => columns.problem[cell] === problem);
  const own = all.filter((cell) => columns.model[cell] === model);
  const widths = distinct(own.map((cell) => columns.width[cell])),
    rates = distinct(own.map((cell) => columns.rate[cell]));
  const values = valuesOf(sweep, shown),
    scale = scaleOf(all.map((cell) => values(cell)));
  const rows = [...rates].reverse(),
    label = labelOf(sweep, shown);
  const cells = rows.map((rate) => widths.map((width) => sweep.cellAt(problem, model, width, rate)));
  const words = (/** @type {number} */ cell) => cellWords(sweep, cell, label, values(cell));
  return {
    cells,
    map: {
      title: `${label} by ${data.rate_title} and width, ${data.models[model].label}`,
      quantity: label,
      rateTitle: data.rate_title,
      rates: rows.map((rate) => (rate === SOLVER ? "solver" : sweep.rateNames[rate])),
      widths: widths.map((width) => String(data.widths[width])),
      cells: cells.map((row) =>
        row.map((cell) =>
          cell < 0
            ? null
            : {
                words: words(cell),
                fraction: Number.isFinite(values(cell)) ? fractionOf(values(cell), scale) : null,
                diverged: columns.diverged[cell] / Math.max(1, columns.ended[cell]),
                isBest: columns.best[cell] >= BEST_OF_MODEL,
              },
        ),
      ),
      limits: limitsOf(
        sweep,
        cells,
        rates.map((rate) => data.rates[rate]),
      ),
      limitWords: limitWords(sweep, own),
      ends: own.some((cell) => Number.isFinite(values(cell)))
        ? [shortNumber(scale.least), shortNumber(scale.greatest)]
        : null,
      nothing: nothingWords(sweep, own, label, values),
    },
  };
}

/** @param {number[]} places */
const distinct = (places) => [...new Set(places)].sort((a, b) => a - b);

/** @param {Sweep} sweep @param {string} name */
const labelOf = ({ data }, name) => data.diagnostics.find((one) => one.name === name)?.label ?? name;

/**
 * The value of a diagnostic in each cell: the median of its trials that are done.
 * @param {Sweep} sweep
 * @param {string} shown
 * @returns {(cell: number) => number} NaN where there is none.
 */
export function valuesOf({ data, cells, trials, trialsOf, last }, shown) {
  if (shown === data.criterion) return (cell) => cells.score[cell];
  if (shown === LOSS) return (cell) => cells.loss[cell];
  const values = last(shown),
    done = data.statuses.indexOf(DONE);
  return (cell) =>
    median(
      trialsOf(cell)
        .filter((trial) => trials.status[trial] === done)
        .map((trial) => values[trial]),
    );
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b),
    middle = sorted.length / 2;
  if (!sorted.length) return NaN;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

/** @param {string[]} words @returns {Map<string, number>} How often each occurs. */
function counted(words) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** @param {Sweep} sweep @param {number} cell @param {string} label @param {number} value */
function cellWords({ data, cells, trials, trialsOf, rateNames }, cell, label, value) {
  const rate = cells.rate[cell],
    at = rate < 0 ? "solver" : `${data.rate_title} ${rateNames[rate]}`;
  const ended = cells.ended[cell],
    diverged = cells.diverged[cell];
  const unknown = hasDone(cells, cell) ? `${label} not recorded` : `no ${label}`,
    told = Number.isNaN(value) ? unknown : `${label} ${valueWords(value)}`;
  const words = [`width ${data.widths[cells.width[cell]]}, ${at}: ${told}`];
  if (diverged) words.push(`${diverged} of ${ended} diverged`);
  const members = trialsOf(cell),
    statuses = counted(members.map((trial) => data.statuses[trials.status[trial]]));
  const failed = statuses.get("failed") ?? 0,
    pending = statuses.get("pending") ?? 0,
    unreadable = statuses.get("unreadable") ?? 0;
  if (failed) words.push(failed === members.length ? "failed" : `${failed} failed`);
  if (pending) words.push(pending === members.length ? "not ended yet" : `${pending} not ended yet`);
  if (unreadable) words.push(unreadable === members.length ? "cannot be read" : `${unreadable} cannot be read`);
  const verdicts = counted(members.flatMap((trial) => data.verdicts[trials.verdict[trial]] ?? []));
  const only = verdicts.size === 1;
  const theory = Array.from(verdicts, ([verdict, count]) => (only ? verdict : `${verdict} (${count})`));
  if (theory.length) words.push(`theory: ${theory.join(", ")}`);
  return words.join(", ");
}

/**
 * The height of the limit in each column: the median of what its cells say, which of most models is the same.
 * @param {Sweep} sweep
 * @param {number[][]} rows
 * @param {number[]} rates
 */
function limitsOf({ cells }, rows, rates) {
  const known = rates.filter((rate) => rate > 0),
    without = rates.length - known.length;
  return (rows[0] ?? []).map((_, column) => {
    const limit = median(
      rows
        .map((row) => row[column])
        .filter((cell) => cell >= 0)
        .map((cell) => cells.limit[cell]),
    );
    const height = heightOf(known, limit);
    return height === null ? null : height + without;
  });
}

/**
 * What is said in place of colours.
 * @param {Sweep} sweep
 * @param {number[]} own Cells of the map.
 * @param {string} label
 * @param {(cell: number) => number} values
 */
function nothingWords({ cells }, own, label, values) {
  if (!own.length) return "not trained on this problem";
  if (own.some((cell) => !Number.isNaN(values(cell)))) return `${label} is infinite wherever it is recorded`;
  if (own.some((cell) => hasDone(cells, cell))) return `${label} is not recorded for this model`;
  if (own.every((cell) => cells.ended[cell] === 0)) return "no trial has a result yet";
  const isGone = own.every((cell) => cells.ended[cell] === cells.trials[cell]);
  return isGone ? "every trial diverged" : "every trial that has ended diverged";
}

/** @param {Sweep["cells"]} cells @param {number} cell */
const hasDone = ({ ended, diverged }, cell) => ended[cell] > diverged[cell];

/** @param {Sweep} sweep @param {number[]} own */
function limitWords({ data, cells }, own) {
  const cell = own.find((one) => !Number.isNaN(cells.limit[one])),
    words = cell === undefined ? "" : data.limit_words[cells.limit_words[cell]];
  return words && words !== "exact" ? `predicted limit: ${words}` : "predicted limit";
}
