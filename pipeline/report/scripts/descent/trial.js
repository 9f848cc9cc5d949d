/**
 * Trials: descent of one model on one problem, step by step, in float64, as the reference engine makes it.
 */

import { trialId } from "../descent/identity.js";
import { Model } from "../descent/model.js";
import { drawPoints } from "../descent/problem.js";
import { RandomStream } from "../descent/random_stream.js";
import { SettingError, readSetting } from "../descent/setting.js";
import { stableLimit } from "../descent/stable_limit.js";
import { UPDATE_RULES } from "../descent/update_rules.js";

/** @typedef {import("./setting.js").Setting} Setting */
/** @typedef {import("./setting.js").Content} Content */
/** @typedef {import("./model.js").Batch} Batch */
/** @typedef {import("./model.js").Unit} Unit */

/** A trial has diverged once its loss is not finite or above this times (1 + that at step 0). */
export const DIVERGED_ABOVE = 1e10;

/** One trial: its points, its weights, and its steps. */
export class Trial {
  /**
   * @param {Content} content
   * @throws {SettingError} If points are drawn at which the model has no values.
   */
  constructor(content) {
    this.content = content;
    this.id = trialId(content);
    this.model = new Model(content);
    const { points, targets } = drawPoints(content);
    /** Training points, `[P, D]`. */
    this.points = points;
    /** Training targets, `[K, P]`. */
    this.targets = targets;
    const complaint = this.model.complaint(points);
    if (complaint !== null) throw new SettingError([complaint]);
    this.model.fit(points, targets);
    this.prepared = this.model.prepare(points);
    this.rule = UPDATE_RULES[content.optimizer.name](content.optimizer.fields);
    this.all = this.model.batch(this.prepared, targets);
    this.minibatches = content.batchSize === null ? null : new Minibatches(this, content.batchSize);
    /** Weights, `[N]`, changed in place. */
    this.weights = this.model.initialWeights(this.id);
    this.gradient = new Float64Array(this.weights.length);
    /** What the rule remembers, arrays of N. */
    this.slots = Array.from({ length: this.rule.slots }, () => new Float64Array(this.weights.length));
    /** Updates made. */
    this.stepsDone = 0;
    /** The step at which it diverged, or null. @type {number | null} */
    this.divergedAt = null;
    /** Loss on all points before any update. */
    this.firstLoss = this.all.evaluate(this.weights, this.gradient);
    this.bound = DIVERGED_ABOVE * (1 + this.firstLoss);
    /** Loss at the present weights whose gradient is known, or NaN. */
    this.knownLoss = this.minibatches ? NaN : this.firstLoss;
    const { absolute, ofLimit } = content.rate;
    /** Learning rate. */
    this.rate = ofLimit === null ? absolute : ofLimit * (stableLimit(this) ?? NaN);
  }

  /** Whether the loss has left all bounds; no step is made any more. */
  get diverged() {
    return this.divergedAt !== null;
  }

  /**
   * Make updates, unless it has diverged.
   * @param {number} count
   * @param {(step: number, loss: number) => void} [record] Is told the loss before each update, of a minibatch its own.
   */
  step(count, record) {
    for (let done = 0; done < count && !this.diverged; done++) {
      const loss = this.#evaluate();
      record?.(this.stepsDone, loss);
      if (this.diverged) return;
      this.rule.update(this.weights, this.gradient, this.slots, this.rate, this.stepsDone + 1);
      this.stepsDone += 1;
      this.knownLoss = NaN;
    }
  }

  /**
   * Loss on all training points at the present weights.
   * @returns {number}
   */
  loss() {
    if (this.minibatches === null) return this.#evaluate();
    this.knownLoss = NaN; // of the batch, whose gradient is overwritten
    return this.all.evaluate(this.weights, this.gradient);
  }

  /**
   * Outputs at points.
   * @param {Float64Array} points `[P, D]`.
   * @returns {Float64Array} `[K, P]`, NaN where the basis has no functions.
   */
  outputs(points) {
    return this.model.outputsAt(points)(this.weights).slice();
  }

  /**
   * Functions of the basis, or hidden units.
   * @returns {Unit[]}
   */
  units() {
    return this.model.units(this.weights);
  }

  /**
   * Take another learning rate from here on.
   * @param {number} rate Above 0.
   */
  setRate(rate) {
    if (!(rate > 0)) throw new RangeError(`The learning rate must be above 0, not ${rate}.`);
    this.rate = rate;
  }

  /** Back to step 0, at the present rate. */
  reset() {
    this.weights.set(this.model.initialWeights(this.id));
    this.slots.forEach((slot) => slot.fill(0));
    this.stepsDone = 0;
    this.divergedAt = null;
    this.knownLoss = NaN;
  }

  /**
   * Loss and gradient for the next update; it has diverged where the loss is out of bounds.
   * @returns {number}
   */
  #evaluate() {
    if (Number.isNaN(this.knownLoss)) {
      const batch = this.minibatches?.at(this.stepsDone) ?? this.all;
      this.knownLoss = batch.evaluate(this.weights, this.gradient);
      if (!(this.knownLoss <= this.bound)) this.divergedAt = this.stepsDone; // not >: NaN is out of bounds, too
    }
    return this.knownLoss;
  }
}

/** Minibatches: a random permutation of the points in every epoch, drawn from the trial's id; a remainder is left out. */
class Minibatches {
  /**
   * @param {Trial} trial With its points prepared.
   * @param {number} batchSize
   */
  constructor(trial, batchSize) {
    this.trial = trial;
    this.size = batchSize;
    this.numPoints = trial.content.numPoints;
    this.perEpoch = Math.floor(this.numPoints / batchSize);
    this.prepared = new Float64Array(trial.model.numRows * batchSize);
    this.targets = new Float64Array(batchSize * trial.content.outputs);
    this.batch = trial.model.batch(this.prepared, this.targets);
    this.permutation = new Int32Array(this.numPoints);
    this.epoch = -1;
  }

  /**
   * The batch of an update.
   * @param {number} step Updates made before.
   * @returns {Batch}
   */
  at(step) {
    const { trial, size, numPoints, permutation } = this;
    const epoch = Math.floor(step / this.perEpoch);
    if (epoch !== this.epoch) new RandomStream(trial.id, "minibatches", epoch).permute(permutation);
    this.epoch = epoch;
    const first = (step % this.perEpoch) * size;
    for (let i = 0; i < size; i++) {
      const point = permutation[first + i];
      for (let k = 0; k < trial.content.outputs; k++) {
        this.targets[k * size + i] = trial.targets[k * numPoints + point];
      }
      for (let row = 0; row < trial.model.numRows; row++) {
        this.prepared[row * size + i] = trial.prepared[row * numPoints + point];
      }
    }
    return this.batch;
  }
}

/**
 * A trial at step 0.
 * @param {Setting} setting
 * @returns {Trial}
 * @throws {SettingError} If it cannot be trained.
 */
export function createTrial(setting) {
  return new Trial(readSetting(setting));
}
