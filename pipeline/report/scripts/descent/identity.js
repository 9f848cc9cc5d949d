/**
 * Ids: a trial of the page is the trial of a run that has the same content, so that both draw from the same streams.
 *
 * The texts are those of `experiment/trial_ids.py` and `problems/problem.py`, defaults included.
 */

import { DEFINITIONS } from "../descent/definitions.js";
import { PythonFloat, Written, pythonJson } from "../descent/python_text.js";
import { sha256Digits } from "../descent/sha256.js";

/** @typedef {import("./definitions.js").Definition} Definition */
/** @typedef {import("./setting.js").Content} Content */

/**
 * A definition as a trial's id holds it: `{name: {field: value, ...}}`.
 * @param {string} table
 * @param {Definition} definition
 * @returns {Record<string, Record<string, any>>}
 */
function canonical(table, definition) {
  const takes = DEFINITIONS[table][definition.name];
  /** @type {Record<string, any>} */
  const fields = {};
  for (const [field, value] of Object.entries(definition.fields)) {
    const { type, range } = takes[field];
    if (type === "float") fields[field] = new PythonFloat(value);
    else if (type === "floats") fields[field] = value.map((/** @type {number} */ one) => new PythonFloat(one));
    else fields[field] = type === "definition" ? canonical(range, value) : value;
  }
  return { [definition.name]: fields };
}

/**
 * What a problem is: the function, its points and its noise.
 * @param {Content} content
 * @returns {Record<string, any>}
 */
function problemContent(content) {
  if (content.data !== null) return new Written(content.data.problem);
  return {
    target: canonical("target", content.target),
    measure: canonical("measure", content.measure),
    dimension: content.dimension,
    train: content.numPoints,
    test: content.numTestPoints,
    noise: new PythonFloat(content.noise),
    seed: content.problemSeed,
  };
}

/**
 * Identity of a problem: the name of the streams that its points and their noise are drawn from.
 * @param {Content} content
 * @returns {string}
 */
export function problemIdentity(content) {
  return pythonJson(problemContent(content));
}

/**
 * Id of a trial: the SHA-256 of its whole content, the name of the stream of its initial weights.
 * @param {Content} content
 * @returns {string} 64 hexadecimal digits.
 */
export function trialId(content) {
  const shape = {
    problem: problemContent(content),
    model: canonical("model", content.model),
    width: content.width,
    optimizer: canonical("optimizer", content.optimizer),
    loss: canonical("loss", content.loss),
    steps: content.steps,
    batch_size: content.batchSize,
    dtype: content.dtype,
  };
  const { absolute, ofLimit } = content.rate;
  const rate = ofLimit === null ? new PythonFloat(absolute) : { times_limit: new PythonFloat(ofLimit) };
  return sha256Digits(`{"shape":${pythonJson(shape)},"learning_rate":${pythonJson(rate)},"seed":${content.seed}}`);
}
