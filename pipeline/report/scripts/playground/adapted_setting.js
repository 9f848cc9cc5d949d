// A setting whose parts go together: another function may need other points, and another basis another width.

import { MEASURES } from "../descent/measures.js";
import { checkSetting, readSetting } from "../descent/setting.js";
import { nameOf } from "../playground/written_names.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */

/**
 * A setting as a person has chosen it, or with what does not go with it changed; where nothing helps it stays.
 * @param {Setting} setting What is chosen.
 * @returns {Setting} One that can be trained, if there is one near.
 */
export function adapted(setting) {
  if (!checkSetting(setting).length) return setting;
  const changes = [...sizes(setting), { noise: 0 }, { loss: null }, { inputs: { seed: setting.inputs?.seed ?? 0 } }];
  const one = changes.map((change) => ({ ...setting, ...change })).find((changed) => !checkSetting(changed).length);
  const all = Object.assign({}, setting, ...changes);
  return one ?? (checkSetting(all).length ? setting : all);
}

/**
 * Numbers of points that its distribution has, and widths that fill a mesh.
 * @param {Setting} setting
 * @returns {Partial<Setting>[]}
 */
function sizes(setting) {
  const dimension = dimensionOf(setting), measure = nameOf(setting.inputs?.measure) || ownMeasure(setting);
  const side = Math.round(Math.sqrt(setting.num_points ?? 64)), edge = Math.round(Math.sqrt(setting.width));
  const near = measure === "corners" ? MEASURES.corners.sizes(dimension)[0] : side ** 2;
  return [{ num_points: near }, { width: edge ** 2 }];
}

/** @param {Setting} setting */
function dimensionOf(setting) {
  return setting.inputs?.dimension ?? (ownMeasure(setting) === "uniform" ? 1 : 2);
}

/**
 * The distribution of the points of a function by itself.
 * @param {Setting} setting
 */
function ownMeasure(setting) {
  const plain = { target: setting.target, model: "shallow", width: 1, learning_rate: 1 };
  return checkSetting(plain).length ? "uniform" : readSetting(plain).measure.name;
}
