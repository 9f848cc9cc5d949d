// Trials of a run that can be played, as the page of a run holds them.

import { fieldsOf, nameOf, written } from "../playground/written_names.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */
/** @typedef {import("../descent/setting.js").TableData} TableData */

/**
 * @typedef {object} RunTrials
 * @property {string} run Name of the run; empty for none.
 * @property {TableData[]} tables Training points of its tables.
 * @property {(Partial<Setting> & {table?: number})[]} shapes What several trials have in common.
 * @property {Record<string, [number, number | {of_limit: number} | null, number]>} trials By id: shape, rate and seed.
 * @property {string[]} sentences Why some trials of the run are not here.
 */

const SHORTEST = 6;

/**
 * The trial that an address asks for.
 * @param {string} query Of the address, with `?`.
 * @param {string} hash Its end, with `#`.
 * @returns {string} Its id or the beginning of it; empty where none is asked for.
 */
export function askedTrial(query, hash) {
  return new URLSearchParams(query).get("trial") ?? new URLSearchParams(hash.replace(/^#/, "")).get("trial") ?? "";
}

/**
 * The setting of a trial of the run.
 * @param {RunTrials} run What the page holds.
 * @param {string} asked An id, or the beginning of one.
 * @returns {{setting: Partial<Setting> | null, sentence: string}} The sentence says why there is none.
 */
export function trialSetting(run, asked) {
  const found = asked.length < SHORTEST ? [] : Object.keys(run.trials).filter((id) => id.startsWith(asked));
  if (found.length !== 1) return { setting: null, sentence: notFound(run, asked, found.length) };
  const [shape, rate, seed] = run.trials[found[0]];
  if (rate === null) return { setting: null, sentence: `Trial ${short(asked)} is solved at once: nothing descends.` };
  if (run.shapes[shape].batch_size && typeof rate !== "number") return { setting: null, sentence: ofMeanSquare(asked) };
  const { table, ...known } = run.shapes[shape], data = table === undefined ? {} : { data: run.tables[table] };
  const model = drawnBySeed(known.model, seed);
  return { setting: { ...known, ...data, model, learning_rate: rate, seed }, sentence: "" };
}

/**
 * A model whose random functions are drawn by the seed of its trial, as its sweep has it: so that another seed draws others.
 * @param {any} model As it was trained, with the seed itself.
 * @param {number} seed Of the trial.
 */
function drawnBySeed(model, seed) {
  const fields = fieldsOf(model);
  for (const [name, part] of Object.entries(fields)) {
    const { seed: own, ...others } = fieldsOf(part);
    if (own === seed) fields[name] = written(nameOf(part), others);
  }
  return written(nameOf(model), fields);
}

/** @param {string} asked */
const ofMeanSquare = (asked) =>
  `Trial ${short(asked)} cannot be played: its rate is a multiple of the limit of minibatches, which this page does not know.`;

/**
 * What is played, once a trial of a run is opened. Its run may round more than the page, which computes in float64.
 * @param {string} asked Its id, or the beginning of it.
 * @param {string} run Name of the run.
 * @param {string} [dtype] What its run computed in.
 * @returns {string} A sentence or two.
 */
export function openedInWords(asked, run, dtype) {
  const opened = `Trial ${asked.slice(0, 12)} of ${run}, from its start.`;
  if (dtype !== "float32") return opened;
  return `${opened} Its run computed in float32, this page in float64: past the largest stable rate they part.`;
}

/**
 * @param {RunTrials} run
 * @param {string} asked
 * @param {number} number
 */
function notFound(run, asked, number) {
  if (number > 1) return `${number} trials begin with ${short(asked)}: name more digits.`;
  if (!run.run) return `This playground belongs to no run, so it does not know the trial ${short(asked)}.`;
  return [`There is no trial ${short(asked)} of ${run.run} to play here.`, ...run.sentences].join(" ");
}

/** @param {string} id */
function short(id) {
  return id.length > 12 ? `${id.slice(0, 12)}…` : id;
}
