/**
 * Models: how points are prepared for them, where their weights start, and what they say at other points.
 */

import { ACTIVATIONS } from "../descent/activations.js";
import { greedyAtoms, sizeOfDictionary } from "../descent/atoms.js";
import { basisOf, domainOf, featuresOf, polarCoordinates } from "../descent/features.js";
import { INITIALISATIONS } from "../descent/initialisations.js";
import { LinearBatch, combine } from "../descent/linear_model.js";
import { LOSSES } from "../descent/losses.js";
import { NetworkBatch } from "../descent/network.js";
import { RandomStream } from "../descent/random_stream.js";

/** @typedef {import("./setting.js").Content} Content */

/**
 * Loss, gradient and curvature on some points.
 * @typedef {LinearBatch | NetworkBatch} Batch
 */

/**
 * What the page tells of one function of a basis or one hidden unit.
 * @typedef {object} Unit
 * @property {number} weight What it is multiplied by in the output.
 * @property {number} [slope] Of a unit of one input, the factor of the input.
 * @property {[number, number]} [slopes] Of a unit of two inputs.
 * @property {number} [bias]
 * @property {number} [kink] Where a unit of one input bends.
 */

/** One model of one trial. */
export class Model {
  /** @param {Content} content */
  constructor(content) {
    this.content = content;
    /** Whether it is linear in its weights. */
    this.linear = content.model.name !== "shallow";
    /** Functions of the dictionary that a greedy model has chosen. @type {number[] | null} */
    this.atoms = null;
    const { width, dimension, outputs } = content;
    this.numWeights = this.linear ? width * outputs : width * (dimension + 1) + outputs * (width + 1);
    /** Rows that are made of the inputs once: features, or the inputs. */
    this.numRows = this.linear ? width : dimension;
  }

  /**
   * See the training points: a greedy model chooses its functions from them.
   * @param {Float64Array} points `[P, D]`.
   * @param {Float64Array} targets `[K, P]`.
   */
  fit(points, targets) {
    if (this.content.model.name !== "greedy") return;
    const { model, width, dimension, numPoints } = this.content;
    const size = sizeOfDictionary(model, width);
    const dictionary = featuresOf(model, points, size, dimension);
    this.atoms = greedyAtoms(model.fields.rule, dictionary, targets, numPoints, width);
  }

  /**
   * Weights at step 0: zeros of a linear model, of a network drawn from the stream that the trial's id names.
   * @param {string} id
   * @returns {Float64Array}
   */
  initialWeights(id) {
    if (this.linear) return new Float64Array(this.numWeights);
    const { model, width, dimension, outputs } = this.content;
    const initialisation = INITIALISATIONS[model.fields.initialisation.name];
    const stream = new RandomStream(id, "initial weights");
    /** @type {number[]} */
    const layers = [];
    for (const [fanIn, fanOut] of [
      [dimension, width],
      [width, outputs],
    ]) {
      const weights = initialisation.weights(fanIn, fanOut, stream);
      const biases = initialisation.biases(weights, fanIn, fanOut, stream);
      for (let unit = 0; unit < fanOut; unit++) {
        layers.push(...weights.subarray(unit * fanIn, (unit + 1) * fanIn), biases[unit]);
      }
    }
    return Float64Array.from(layers);
  }

  /**
   * Whatever of the inputs does not depend on weights.
   * @param {Float64Array} points `[P, D]`.
   * @returns {Float64Array} Features `[W, P]` of a linear model, inputs `[D, P]` of a network.
   */
  prepare(points) {
    const { model, width, dimension } = this.content;
    const numPoints = points.length / dimension;
    if (this.atoms !== null) {
      const dictionary = featuresOf(model, points, sizeOfDictionary(model, width), dimension), { atoms } = this;
      return Float64Array.from({ length: width * numPoints }, (_, i) =>
        dictionary[atoms[Math.floor(i / numPoints)] * numPoints + (i % numPoints)],
      );
    }
    if (this.linear) return featuresOf(model, points, width, dimension);
    return points.map((_, i) => points[(i % numPoints) * dimension + Math.floor(i / numPoints)]);
  }

  /**
   * Loss, gradient and curvature on prepared points.
   * @param {Float64Array} prepared
   * @param {Float64Array} targets `[K, P]`.
   * @returns {Batch}
   */
  batch(prepared, targets) {
    const { width, loss, outputs } = this.content, numPoints = targets.length / outputs;
    if (this.linear) return new LinearBatch(LOSSES[loss.name], prepared, targets, numPoints);
    return new NetworkBatch(this.#activation(), LOSSES[loss.name], width, prepared, targets, numPoints);
  }

  /**
   * Outputs at points that are prepared once.
   * @param {Float64Array} points `[P, D]`.
   * @returns {(weights: Float64Array) => Float64Array} `[K, P]`, NaN where a basis has no functions; the same array again.
   */
  outputsAt(points) {
    const { dimension } = this.content, numPoints = points.length / dimension;
    const outputs = new Float64Array(numPoints * this.content.outputs);
    if (!this.linear) {
      const batch = this.batch(this.prepare(points), outputs);
      return (weights) => {
        /** @type {NetworkBatch} */ (batch).forward(weights);
        return batch.outputs;
      };
    }
    const outside = this.#outside(points);
    const features = this.prepare(points.map((coordinate, i) => (outside[i] ? 0 : coordinate)));
    const undefinedAt = outside.flatMap((isOutside, i) => (isOutside ? [Math.floor(i / dimension)] : []));
    return (weights) => {
      combine(features, weights, outputs, numPoints);
      for (const point of undefinedAt) for (let i = point; i < outputs.length; i += numPoints) outputs[i] = NaN;
      return outputs;
    };
  }

  /**
   * Feature matrix: what the last weights combine, the constant one of a bias included.
   * @param {Float64Array} weights
   * @param {Float64Array} prepared
   * @param {number} numPoints
   * @returns {Float64Array} `[F, P]`.
   */
  features(weights, prepared, numPoints) {
    if (this.linear) return prepared;
    const { width } = this.content, nothing = new Float64Array(numPoints * this.content.outputs);
    const batch = new NetworkBatch(this.#activation(), LOSSES.half_mean_square, width, prepared, nothing, numPoints);
    batch.forward(weights);
    const features = new Float64Array(batch.hidden.length + numPoints).fill(1);
    features.set(batch.hidden);
    return features;
  }

  /**
   * Functions of the basis, or hidden units, with their weights in the first output.
   * @param {Float64Array} weights
   * @returns {Unit[]}
   */
  units(weights) {
    const { width, dimension } = this.content;
    if (this.linear) return Array.from(weights.subarray(0, width), (weight) => ({ weight }));
    const { kinked } = this.#activation();
    return Array.from({ length: width }, (_, unit) => {
      const first = unit * (dimension + 1);
      const [weight, bias] = [weights[width * (dimension + 1) + unit], weights[first + dimension]];
      if (dimension === 2) return { weight, bias, slopes: [weights[first], weights[first + 1]] };
      if (dimension > 2) return { weight, bias };
      const slope = weights[first];
      return kinked ? { weight, bias, slope, kink: -bias / slope } : { weight, bias, slope };
    });
  }

  #activation() {
    const { name, fields } = this.content.model.fields.activation;
    return ACTIVATIONS[name](fields);
  }

  /**
   * Why the model has no values at some of the points.
   * @param {Float64Array} points `[P, D]`.
   * @returns {string | null} A sentence; null where it has values at all of them.
   */
  complaint(points) {
    if (!this.linear) return null;
    const basis = basisOf(this.content.model);
    const [low, high] = domainOf(basis);
    if (!this.#outside(points).includes(true)) return null;
    return `${basis.name} has functions on [${low}, ${high}] only, and some of the points that are drawn lie outside.`;
  }

  /**
   * Which coordinates lie where the basis has no functions.
   * @param {Float64Array} points
   * @returns {boolean[]}
   */
  #outside(points) {
    const { coordinates } = this.content.model.fields;
    const [low, high] = domainOf(basisOf(this.content.model));
    const places = coordinates === "polar" ? polarCoordinates(points) : points;
    return Array.from(places, (coordinate) => !(coordinate >= low && coordinate <= high));
  }
}
