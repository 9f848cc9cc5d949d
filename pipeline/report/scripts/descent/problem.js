/** Training points of a problem, with their noise, drawn from the same streams as `problems/problem.py` draws them. */

import { problemIdentity } from "../descent/identity.js";
import { MEASURES } from "../descent/measures.js";
import { RandomStream } from "../descent/random_stream.js";
import { targetOf } from "../descent/setting.js";

/** @typedef {import("./setting.js").Content} Content */

/**
 * Values of the function to be learned.
 * @param {Content} content
 * @param {Float64Array} points `[P, D]`.
 * @returns {Float64Array} `[P]`.
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
 * @returns {{points: Float64Array, targets: Float64Array}} `[P, D]` and `[P]`.
 */
export function drawPoints(content) {
  const { measure, numPoints, dimension, noise } = content;
  const identity = problemIdentity(content);
  const stream = new RandomStream(identity, "train", "inputs");
  const points = MEASURES[measure.name].sample(numPoints, dimension, measure.fields, stream);
  const errors = new RandomStream(identity, "train", "noise").standardNormal(numPoints);
  return { points, targets: truthAt(content, points).map((value, p) => value + noise * errors[p]) };
}
