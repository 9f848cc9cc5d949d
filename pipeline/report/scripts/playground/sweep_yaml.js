// What was found in the playground as the YAML of a sweep: the same trial among its neighbours.

import { fieldsOf, nameOf } from "../playground/written_names.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */

const NEIGHBOURS = [0.25, 0.5, 0.75, 1, 1.1, 1.5];
const SEEDS = 3;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The YAML of a sweep.
 * @param {Setting} setting What is played.
 * @param {string} question What it is to answer, on one line.
 * @returns {string} A file that `python -m pipeline run` reads.
 */
export function sweepYaml(setting, question) {
  const entries = [
    ["question", scalar(question)],
    ...source(setting),
    ["inputs", flow(inputsOf(setting))],
    ...(setting.loss ? [["loss", flow(setting.loss)]] : []),
    ["models", `\n  - ${flow(setting.model)}`],
    ["widths", `[${setting.width}]`],
    ["optimizer", flow(setting.optimizer)],
    ["learning_rates", ratesText(setting.learning_rate)],
    ["steps", String(setting.steps)],
    ...(setting.batch_size ? [["batch_size", String(setting.batch_size)]] : []),
    ["seeds", seedsText(setting)],
    ["dtype", setting.dtype ?? "float64"],
  ];
  return entries.map(([name, text]) => `${name}:${text.startsWith("\n") ? "" : " "}${text}\n`).join("");
}

/**
 * @param {Setting} setting
 * @returns {string[][]}
 */
function source(setting) {
  const { data, drawn, target } = setting;
  if (data) return [["data", flow(data.written.data)]];
  if (!drawn) return [["target", flow(target)]];
  return [["target", flow({ piecewise_linear: { knots: drawn.map(([x]) => x), values: drawn.map(([, y]) => y) } })]];
}

/** @param {Setting} setting */
function inputsOf(setting) {
  const { data, num_points: points, noise } = setting;
  return data ? data.written.inputs : { ...setting.inputs, train: points, noise };
}

/**
 * Seeds from that of the setting on, where something is random; else that one.
 * @param {Setting} setting
 */
function seedsText(setting) {
  const { basis, dictionary } = fieldsOf(setting.model), functions = basis ?? dictionary, first = setting.seed ?? 0;
  const isFixed = typeof fieldsOf(functions).seed === "number", isRandom = nameOf(functions).startsWith("random_");
  const drawn = nameOf(setting.model) === "shallow" || (isRandom && !isFixed) || setting.batch_size;
  const number = drawn ? SEEDS : 1;
  return `[${Array.from({ length: number }, (_, place) => first + place).join(", ")}]`;
}

/** @param {number | {of_limit: number}} rate */
function ratesText(rate) {
  const middle = typeof rate === "number" ? rate : rate.of_limit;
  const near = NEIGHBOURS.map((times) => (times === 1 ? middle : Number((middle * times).toPrecision(6))));
  return typeof rate === "number" ? flow(near) : flow({ times_limit: near });
}

/**
 * A value in one line.
 * @param {any} value
 * @returns {string}
 */
function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value === null || typeof value !== "object") return scalar(value);
  if (typeof value.name === "string") return flowNamed(value);
  const pairs = Object.entries(value).map(([name, inner]) => `${name}: ${flow(inner)}`);
  return `{${pairs.join(", ")}}`;
}

/** @param {{name: string} & Record<string, any>} flat */
function flowNamed({ name, ...fields }) {
  return Object.keys(fields).length ? flow({ [name]: fields }) : scalar(name);
}

/** @param {any} value */
function scalar(value) {
  if (typeof value !== "string") return String(value);
  return PLAIN.test(value) && !RESERVED.has(value.toLowerCase()) ? value : JSON.stringify(value);
}

const RESERVED = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);
