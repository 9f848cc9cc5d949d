/**
 * Settings: what a person chooses, in the words of a YAML file, read into the content of one trial.
 */

import { readDefinition } from "../descent/definitions.js";
import { sizeOfDictionary } from "../descent/atoms.js";
import { basisOf, domainOf, fillsMesh, hasOrderOfProducts } from "../descent/features.js";
import { LOSSES } from "../descent/losses.js";
import { MEASURES } from "../descent/measures.js";
import { TARGETS } from "../descent/targets.js";

/** @typedef {import("./definitions.js").Definition} Definition */
/** @typedef {import("./targets.js").Target} Target */

/**
 * What a person chooses. Definitions are written as in YAML, `relu` or `{leaky_relu: {slope: 0.2}}`, or flat with their
 * name, `{name: leaky_relu, slope: 0.2}`; what is left out has the default of a YAML file.
 * @typedef {object} Setting
 * @property {any} [target] Left out where a function is drawn.
 * @property {{measure?: any, dimension?: number, test?: number, seed?: number}} [inputs]
 * @property {number} [num_points] Training points, P.
 * @property {number} [noise] Standard deviation of what is added to the training targets.
 * @property {any} model
 * @property {number} width W.
 * @property {any} [loss]
 * @property {any} [optimizer]
 * @property {number | {of_limit: number}} learning_rate Absolute, or a multiple of the largest stable rate.
 * @property {number} [steps] Those of the trial; the page may go on.
 * @property {number} [seed]
 * @property {number | null} [batch_size] Points of a minibatch; null for all.
 * @property {"float32" | "float64"} [dtype] That of the trial, a part of its id; the page computes in float64.
 * @property {[number, number][]} [drawn] Places x and y of a drawn function of one input, in place of a target.
 * @property {TableData} [data] Points of a table, in place of a target.
 */

/**
 * Training points of a table, as a run has split and standardised them.
 * @typedef {object} TableData
 * @property {number} number Which of the tables of the page it is.
 * @property {string} label
 * @property {string} problem Identity of the problem, as Python writes it: names the streams, is a part of the id.
 * @property {"regression" | "labels" | "classes"} task
 * @property {number} dimension D.
 * @property {number} outputs K.
 * @property {[number, number] | null} bounds Between which all inputs lie; null: anywhere.
 * @property {number[]} points `[P, D]`.
 * @property {number[]} targets Of classes the number of one at each point, else `[K, P]`.
 * @property {{data: any, inputs: any}} written What a YAML file says of it.
 */

/**
 * What one trial is, defaults included.
 * @typedef {object} Content
 * @property {Definition} target Of no meaning where there is a table.
 * @property {TableData | null} data
 * @property {Definition} measure
 * @property {number} dimension D.
 * @property {"regression" | "labels" | "classes"} task
 * @property {number} outputs K.
 * @property {number} numPoints P.
 * @property {number} numTestPoints
 * @property {number} noise
 * @property {number} problemSeed
 * @property {Definition} model
 * @property {number} width W.
 * @property {Definition} optimizer
 * @property {Definition} loss
 * @property {number} steps
 * @property {number | null} batchSize
 * @property {"float32" | "float64"} dtype
 * @property {{absolute: number, ofLimit: number | null}} rate Of a multiple, the absolute rate is not a number.
 * @property {number} seed
 */

export const MOST_POINTS = 4096;
export const MOST_INPUTS = 1000;
export const MOST_WIDTH = 1024;
export const MOST_SUMS = 2 ** 20;
export const MOST_STEPS = 10 ** 9;

/** Sentences about what is wrong with a setting. */
export class SettingError extends Error {
  /** @param {string[]} sentences One at least. */
  constructor(sentences) {
    super(sentences.join(" "));
    this.sentences = sentences;
  }
}

/**
 * What is wrong with a setting.
 * @param {Setting} setting
 * @returns {string[]} Sentences; empty if it can be trained.
 */
export function checkSetting(setting) {
  try {
    readSetting(setting);
    return [];
  } catch (error) {
    if (error instanceof SettingError) return error.sentences;
    throw error;
  }
}

/**
 * The function to be learned.
 * @param {{data: TableData | null, target: Definition}} content
 * @returns {Target} Of a table one whose values nobody knows.
 */
export function targetOf({ data, target }) {
  if (data === null) return TARGETS[target.name];
  return { dimensions: data.dimension, task: data.task, measure: "uniform", value: () => NaN };
}

/**
 * The content of a trial.
 * @param {Setting} setting
 * @returns {Content} With all defaults.
 * @throws {SettingError} If it cannot be trained.
 */
export function readSetting(setting) {
  if (setting === null || typeof setting !== "object") throw new SettingError(["The setting is no JSON object."]);
  /** @type {string[]} */
  const sentences = [];
  const content = withDefaults(setting, sentences);
  if (content === null || sentences.length > 0) throw new SettingError(sentences);
  sentences.push(...complaints(content));
  if (sentences.length > 0) throw new SettingError(sentences);
  return content;
}

/**
 * A setting with the defaults of what is not written.
 * @param {Setting} setting
 * @param {string[]} sentences Gains what is wrong.
 * @returns {Content | null} Null if a definition cannot be read.
 */
function withDefaults(setting, sentences) {
  const definitionOf = (/** @type {string} */ table, /** @type {any} */ written) => read(table, written, sentences);
  const { inputs = {}, data = null } = setting;
  const written = setting.drawn === undefined ? setting.target : readDrawn(setting.drawn, sentences);
  const target = definitionOf("target", data === null ? written : "sine");
  if (target === null) return null;
  const known = targetOf({ data, target });
  const measure = definitionOf("measure", inputs.measure ?? known.measure);
  const model = definitionOf("model", setting.model);
  const usual = USUAL_LOSSES[known.task];
  const loss = definitionOf("loss", setting.loss ?? usual);
  const optimizer = definitionOf("optimizer", setting.optimizer ?? "gradient_descent");
  const dimension = integer("dimension", data?.dimension ?? inputs.dimension ?? known.dimensions ?? 1, 1, MOST_INPUTS, sentences);
  if (!measure || !model || !loss || !optimizer) return null;
  const [train, test] = MEASURES[measure.name].sizes(dimension);
  const seed = integer("seed", setting.seed ?? 0, 0, Number.MAX_SAFE_INTEGER, sentences);
  return {
    target,
    data,
    measure,
    dimension,
    task: known.task,
    outputs: data?.outputs ?? known.classes?.(target.fields) ?? 1,
    numPoints: data ? data.points.length / dimension : integer("num_points", setting.num_points ?? train, 1, MOST_POINTS, sentences),
    numTestPoints: integer("test", inputs.test ?? test, 1, MOST_STEPS, sentences),
    noise: readNoise(setting.noise ?? 0, sentences),
    problemSeed: integer("seed of inputs", inputs.seed ?? 0, 0, Number.MAX_SAFE_INTEGER, sentences),
    model: withSeed(model, seed),
    width: integer("width", setting.width, 1, MOST_WIDTH, sentences),
    optimizer,
    loss,
    steps: integer("steps", setting.steps ?? 1000, 1, MOST_STEPS, sentences),
    batchSize:
      setting.batch_size == null ? null : integer("batch_size", setting.batch_size, 1, MOST_POINTS, sentences),
    dtype: setting.dtype ?? "float64",
    rate: readRate(setting.learning_rate, sentences),
    seed,
  };
}

/**
 * @param {string} table
 * @param {any} written
 * @param {string[]} sentences
 * @returns {Definition | null}
 */
function read(table, written, sentences) {
  try {
    return readDefinition(table, written);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    sentences.push(error.message);
    return null;
  }
}

/**
 * @param {string} name
 * @param {any} value
 * @param {number} least
 * @param {number} most
 * @param {string[]} sentences
 * @returns {number}
 */
function integer(name, value, least, most, sentences) {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    sentences.push(`${name} must be an integer from ${least} to ${most}, not ${JSON.stringify(value) ?? "missing"}.`);
    return least;
  }
  return value;
}

/**
 * @param {any} noise
 * @param {string[]} sentences
 * @returns {number}
 */
function readNoise(noise, sentences) {
  if (!(Number.isFinite(noise) && noise >= 0)) {
    sentences.push(`noise must be a standard deviation, a number from 0, not ${JSON.stringify(noise)}.`);
  }
  return noise;
}

/**
 * @param {any} written
 * @param {string[]} sentences
 * @returns {{absolute: number, ofLimit: number | null}}
 */
function readRate(written, sentences) {
  const multiple = written !== null && typeof written === "object";
  const value = multiple ? written.of_limit : written;
  if (!(Number.isFinite(value) && value > 0)) {
    sentences.push(`learning_rate must be a number above 0, not ${JSON.stringify(value) ?? "missing"}.`);
  }
  return multiple ? { absolute: NaN, ofLimit: value } : { absolute: value, ofLimit: null };
}

/**
 * A drawing as the piecewise linear function that it is.
 * @param {any} drawn
 * @param {string[]} sentences Gains what is wrong.
 * @returns {any} A target as it is written.
 */
function readDrawn(drawn, sentences) {
  if (!Array.isArray(drawn) || drawn.length === 0) {
    sentences.push("The drawing has no points: draw a line across the picture.");
    return "piecewise_linear";
  }
  const placed = drawn.every((place) => Array.isArray(place) && place.length === 2 && place.every(Number.isFinite));
  if (!placed) sentences.push("A place of the drawing is not two numbers.");
  const sorted = placed ? [...drawn].sort((a, b) => a[0] - b[0]) : [];
  return placed ? { piecewise_linear: { knots: sorted.map(([x]) => x), values: sorted.map(([, y]) => y) } } : "piecewise_linear";
}

/** @param {Definition} target */
function complaintOfKnots({ name, fields: { knots, values } }) {
  if (name !== "piecewise_linear") return null;
  const increase = knots.every((/** @type {number} */ knot, /** @type {number} */ i) => i === 0 || knots[i - 1] < knot);
  if (knots.length === 0 || !increase) return "The knots of a piecewise linear function must increase, one at least.";
  return values.length === knots.length ? null : `${values.length} values are not one for each of ${knots.length} knots.`;
}

/**
 * A model whose features are those that a seed draws.
 * @param {Definition} model
 * @param {number} seed
 * @returns {Definition}
 */
function withSeed(model, seed) {
  const { basis, dictionary } = model.fields, drawn = basis ?? dictionary;
  if (drawn?.fields.seed !== "trial") return model;
  const fixed = { ...drawn, fields: { ...drawn.fields, seed } };
  return { ...model, fields: { ...model.fields, ...(basis ? { basis: fixed } : { dictionary: fixed }) } };
}

/**
 * What two parts of a trial cannot be together.
 * @param {Content} content
 * @returns {string[]} Sentences.
 */
function complaints(content) {
  const target = targetOf(content);
  const { dimension, measure, numPoints, width, batchSize, data, task } = content;
  const found = [
    target.dimensions !== null && target.dimensions !== dimension
      ? `The function is one of ${target.dimensions} input${target.dimensions > 1 ? "s" : ""}, not of ${dimension}.`
      : data ? null : MEASURES[measure.name].complaint(numPoints, dimension, measure.fields),
    data ? null : complaintOfKnots(content.target),
    LOSSES[content.loss.name].tasks.includes(task)
      ? null
      : `${content.loss.name} is a loss of ${VALUES_OF_TASKS[LOSSES[content.loss.name].tasks[0]]}, and the function has other values.`,
    content.noise > 0 && task !== "regression" ? `No noise can be added to ${task}: set noise to 0.` : null,
    content.dtype === "float32" || content.dtype === "float64" ? null : "dtype must be float32 or float64.",
    numPoints * width * content.outputs > MOST_SUMS ? `${numPoints} points times width ${width} are too much for a page.` : null,
    batchSize !== null && batchSize > numPoints ? `A minibatch of ${batchSize} is more than all points.` : null,
    content.model.name === "shallow" ? null : complaintOfLinear(content),
  ];
  return found.filter((sentence) => sentence !== null);
}

/** @type {Record<string, string>} */
const USUAL_LOSSES = { regression: "half_mean_square", labels: "binary_cross_entropy", classes: "softmax_cross_entropy" };
/** @type {Record<string, string>} */
const VALUES_OF_TASKS = { labels: "labels, 0 and 1", classes: "classes" };

/**
 * What a linear or greedy model cannot be.
 * @param {Content} content
 * @returns {string | null} A sentence.
 */
function complaintOfLinear({ model, measure, dimension, width, numPoints, data }) {
  const { product, coordinates } = model.fields, basis = basisOf(model);
  const number = model.name === "greedy" ? sizeOfDictionary(model, width) : width;
  if (number < width) return `A dictionary of ${number} functions has no ${width} to choose.`;
  if (number * numPoints > MOST_SUMS) return `A dictionary of ${number} functions at ${numPoints} points is too much for a page.`;
  if (product !== "total_degree" && !hasOrderOfProducts(basis)) return `${basis.name} has no order of products.`;
  if (coordinates === "polar" && dimension !== 2) return "Only the plane has polar coordinates: set dimension to 2.";
  const [low, high] = domainOf(basis);
  const anywhere = [-Infinity, Infinity], inputs = data ? data.bounds ?? anywhere : MEASURES[measure.name].bounds(measure.fields);
  const bounds = coordinates === "polar" ? [-1, 1] : inputs;
  if (bounds[0] < low || bounds[1] > high) {
    return `${basis.name} has functions on [${low}, ${high}] only, and the inputs lie in [${bounds.join(", ")}].`;
  }
  const side = Math.floor(number ** (1 / dimension) + 1e-9);
  if (dimension > 1 && fillsMesh(basis) && side ** dimension !== number) {
    return `${number} products of ${basis.name} do not fill a mesh: take ${side ** dimension} or ${(side + 1) ** dimension}.`;
  }
  return null;
}
