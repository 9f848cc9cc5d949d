/**
 * Training points of a problem, with their noise, drawn from the same streams as `problems/problem.py` draws them.
 *
 * Shape letters: P points, D inputs, K outputs; points are `[P, D]`, targets `[K, P]`.
 */

import { problemIdentity } from "../descent/identity.js";
import { MEASURES } from "../descent/measures.js";
import { RandomStream } from "../descent/random_stream.js";
import { targetOf } from "../descent/setting.js";

/** @typedef {import("./setting.js").Content} Content */

/**
 * Values of the function to be learned; of classes their numbers.
 * @param {Content} content
 * @param {Float64Array} points `[P, D]`.
 * @returns {Float64Array} `[P]`, not numbers where the points are those of a table.
 */
export function truthAt(content, points) {
  const { dimension } = content;
  const target = targetOf(content);
  return Float64Array.from({ length: points.length / dimension }, (_, p) =>
    target.value(content.target.fields, points.subarray(p * dimension, (p + 1) * dimension)),
  );
}

/**
 * Training points and targets.
 * @param {Content} content
 * @returns {{points: Float64Array, targets: Float64Array}} `[P, D]` and `[K, P]`, of classes one-hot.
 */
export function drawPoints(content) {
  const { measure, numPoints, dimension, noise, data } = content;
  if (data !== null) return { points: Float64Array.from(data.points), targets: asTargets(content, data.targets) };
  const identity = problemIdentity(content);
  const stream = new RandomStream(identity, "train", "inputs");
  const points = MEASURES[measure.name].sample(numPoints, dimension, measure.fields, stream);
  const errors = new RandomStream(identity, "train", "noise").standardNormal(numPoints);
  const values = truthAt(content, points).map((value, p) => value + noise * errors[p]);
  return { points, targets: asTargets(content, values) };
}

/**
 * Targets of values as they are written: of classes one number for each point, else all points of one output after another.
 * @param {Content} content
 * @param {ArrayLike<number>} values
 * @returns {Float64Array} `[K, P]`.
 */
function asTargets({ task, outputs, numPoints }, values) {
  if (task !== "classes") return Float64Array.from(values);
  return Float64Array.from({ length: outputs * numPoints }, (_, i) =>
    values[i % numPoints] === Math.floor(i / numPoints) ? 1 : 0,
  );
}
