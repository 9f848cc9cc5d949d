// A setting whose parts go together: another function may need other points, and another basis another width.

import { MEASURES } from "../descent/measures.js";
import { checkSetting, readSetting } from "../descent/setting.js";
import { PIECEWISE_LINEAR } from "../playground/described_trial.js";
import { fieldsOf, nameOf } from "../playground/written_names.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */

const USUAL_OF_ADAM = 0.01;

/**
 * A setting as a person has chosen it, or with what does not go with it changed; where nothing helps it stays.
 * @param {Setting} setting What is chosen.
 * @returns {Setting} One that can be trained, if there is one near.
 */
export function adapted(setting) {
  if (!checkSetting(setting).length) return setting;
  const inputs = { seed: setting.inputs?.seed ?? 0 };
  const changes = [...sizes(setting), { batch_size: null }, { noise: 0 }, { loss: null }, { inputs }];
  const one = changes.map((change) => ({ ...setting, ...change })).find((changed) => !checkSetting(changed).length);
  const all = Object.assign({}, setting, ...changes);
  return one ?? (checkSetting(all).length ? setting : all);
}

/**
 * A setting whose piecewise linear function is drawn, so that it can be drawn on.
 * @param {Setting} setting As a run or an address has it.
 * @returns {Setting}
 */
export function asDrawn(setting) {
  const { knots, values } = fieldsOf(setting.target);
  if (nameOf(setting.target) !== PIECEWISE_LINEAR || !Array.isArray(knots) || setting.drawn) return setting;
  return { ...setting, target: "sine", drawn: knots.map((x, place) => [x, values[place]]) };
}

/**
 * A setting whose rate is a number where no largest stable rate is known, of which it could be a multiple.
 * @param {Setting} setting What is chosen.
 * @param {number} rate The rate that was played before.
 * @returns {Setting} With that rate; of Adam, whose steps are as long as its rate, with a usual one.
 */
export function withKnownRate(setting, rate) {
  const adam = nameOf(setting.optimizer) === "adam";
  if (typeof setting.learning_rate === "number" || !(adam || setting.batch_size)) return setting;
  return { ...setting, learning_rate: adam ? USUAL_OF_ADAM : Number(rate.toPrecision(3)) };
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
