/**
 * A session: one trial that is played by messages, in slices of time, in a worker or on the page itself.
 */

import { accuracyOf } from "../descent/accuracy.js";
import { MEASURES } from "../descent/measures.js";
import { truthAt } from "../descent/problem.js";
import { SettingError } from "../descent/setting.js";
import { sharpness } from "../descent/stable_limit.js";
import { linearisedPrediction, predictionOf, theoryOf } from "../descent/theory.js";
import { createTrial } from "../descent/trial.js";

/** @typedef {import("./setting.js").Setting} Setting */
/** @typedef {import("./setting.js").Content} Content */
/** @typedef {import("./model.js").Unit} Unit */
/** @typedef {import("./trial.js").Trial} Trial */

/**
 * What a page asks for.
 * @typedef {{kind: "start", setting: Setting} | {kind: "play", stepsPerFrame: number} | {kind: "pause"}
 *     | {kind: "step", count: number} | {kind: "rate", rate: number} | {kind: "reset"} | {kind: "shown"}} Request
 */

/**
 * Functions over the inputs: points `[P, D]`, and a value at each, of a fit `[K, P]`.
 * @typedef {{x: Float64Array, y: Float64Array}} Curve
 */

/** @typedef {[step: number, loss: number][]} Losses */

/**
 * The first answer: the problem, and what theory says before any step.
 * @typedef {object} Started
 * @property {"started"} kind
 * @property {string} id Of the trial, as a run has it.
 * @property {number} dimension D.
 * @property {number} outputs K.
 * @property {number[] | null} atoms Functions of the dictionary that a greedy model has chosen, in their order.
 * @property {number} rate Learning rate, absolute.
 * @property {Float64Array} points Training points, `[P, D]`.
 * @property {Float64Array} targets Training targets, `[K, P]`.
 * @property {Curve} truth The function to be learned on a grid, of two inputs of `GRID_SIDE` squared points, of more at the
 *     training points; of classes the number of one, and of a table nothing: not numbers.
 * @property {{limit: number | null, condition: number, eigenvalues: Float64Array, predicted: Losses | null,
 *     linearised: Losses | null}} theory Predicted is the loss of a linear model, exact; linearised that of the network
 *     that is linearised at its first weights.
 */

/**
 * A picture of the trial as it stands.
 * @typedef {object} Frame
 * @property {"frame"} kind
 * @property {number} step Updates made.
 * @property {Losses} losses Of steps since the last frame; of very many, some.
 * @property {number | null} accuracy Fraction of the training points that are answered rightly; null of a regression.
 * @property {number | null} predicted Loss that is predicted of this step; null where nothing is.
 * @property {Curve} fit The outputs of the trained function on the grid of the truth, `[K, P]`.
 * @property {Unit[]} units
 * @property {Float64Array} weights
 * @property {number | null} sharpness Largest eigenvalue of the Hessian, measured some times a second; null: not certain.
 * @property {number | null} limit Largest stable rate; of a network that of its sharpness.
 * @property {number} rate
 * @property {boolean} diverged
 * @property {number | null} divergedAt
 */

/**
 * A message to the page: also what is predicted from here on, after another rate, and what is wrong with a setting.
 * @typedef {Started | Frame | {kind: "predicted", predicted: Losses | null, linearised: Losses | null}
 *     | {kind: "refused", sentences: string[]}} Answer
 */

const GRID_POINTS = 201;
export const GRID_SIDE = 41;
const MOST_LOSSES = 128;
const FRAME_MILLISECONDS = 1000 / 60;
const SHARPNESS_MILLISECONDS = 125;
const PREDICTED_STEPS = 200;

/** One trial that is played. */
export class Session {
  /**
   * @param {(answer: Answer) => void} answer Is told what there is to show.
   * @param {number} budget Milliseconds of one slice.
   */
  constructor(answer, budget) {
    this.answer = answer;
    this.budget = budget;
    /** @type {Trial | null} */
    this.trial = null;
    /** @type {Float64Array} */
    this.grid = new Float64Array(0);
    /** @type {(weights: Float64Array) => Float64Array} */
    this.fit = () => this.grid;
    /** @type {Losses} */
    this.losses = [];
    this.stepsPerFrame = 0;
    this.owed = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.frameBegan = -Infinity;
    /** Whether the page has yet to show the last frame. */
    this.waits = false;
    /** @type {number | null} */
    this.sharpness = null;
    /** @type {number | null} */
    this.limit = null;
    this.measureFrom = -Infinity;
    this.measuredStep = -1;
    /** @type {((step: number) => number) | null} */
    this.predictedLoss = null;
  }

  /**
   * Do what the page asks for.
   * @param {Request} request
   */
  receive(request) {
    if (request.kind === "start") return this.#start(request.setting);
    if (this.trial === null) return;
    switch (request.kind) {
      case "play":
        this.stepsPerFrame = Math.max(0, request.stepsPerFrame);
        return this.#schedule();
      case "pause":
        return this.#pause();
      case "step":
        this.#pause();
        this.#advance(this.trial, request.count);
        return this.#show(this.trial);
      case "rate":
        return this.#setRate(this.trial, request.rate);
      case "reset":
        this.#pause();
        this.trial.reset();
        this.losses = [[0, this.trial.loss()]];
        this.measuredStep = -1;
        this.#predict(this.trial);
        return this.#show(this.trial);
      case "shown":
        this.waits = false;
    }
  }

  /** Make no step any more. */
  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.trial = null;
  }

  /** @param {Setting} setting */
  #start(setting) {
    this.stop();
    let trial;
    try {
      trial = createTrial(setting);
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      return this.answer({ kind: "refused", sentences: error.sentences });
    }
    if (!(trial.rate > 0)) {
      return this.answer({ kind: "refused", sentences: ["No largest stable rate is known here: give a rate itself."] });
    }
    if (!Number.isFinite(trial.firstLoss)) {
      return this.answer({ kind: "refused", sentences: ["The loss is infinite before any step: its values are too large."] });
    }
    this.trial = trial;
    this.losses = [[0, trial.loss()]];
    this.stepsPerFrame = 0;
    this.owed = 0;
    this.waits = false;
    this.sharpness = null;
    this.measuredStep = -1;
    this.grid = gridOf(trial);
    this.fit = trial.model.outputsAt(this.grid);
    const { limit, condition, eigenvalues, predictedLoss, linearisedLoss } = theoryOf(trial);
    this.predictedLoss = predictedLoss;
    this.limit = limit;
    this.answer({
      kind: "started",
      id: trial.id,
      dimension: trial.content.dimension,
      outputs: trial.content.outputs,
      atoms: trial.model.atoms,
      rate: trial.rate,
      points: trial.points,
      targets: trial.targets,
      truth: { x: this.grid, y: truthAt(trial.content, this.grid) },
      theory: {
        limit,
        condition,
        eigenvalues,
        predicted: predictedLosses(trial, predictedLoss),
        linearised: predictedLosses(trial, linearisedLoss),
      },
    });
    this.#show(trial);
  }

  #pause() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.stepsPerFrame = 0;
    this.owed = 0;
  }

  /** Make the next frame a sixtieth of a second after the last has begun, or at once if that was longer ago. */
  #schedule() {
    if (this.timer !== undefined || this.trial === null) return;
    const left = this.frameBegan + FRAME_MILLISECONDS - performance.now();
    this.timer = setTimeout(() => this.#playFrame(), Math.max(0, left));
  }

  #playFrame() {
    this.timer = undefined;
    this.frameBegan = performance.now();
    if (this.trial === null || this.stepsPerFrame === 0) return;
    if (!this.waits) {
      this.owed += this.stepsPerFrame;
      this.#advance(this.trial, Math.floor(this.owed));
      this.owed %= 1;
      this.#show(this.trial);
    }
    if (!this.trial.diverged) this.#schedule();
  }

  /**
   * Make steps, as many as the slice has time for.
   * @param {Trial} trial
   * @param {number} count
   */
  #advance(trial, count) {
    const every = Math.max(1, Math.ceil(count / MOST_LOSSES));
    const end = performance.now() + this.budget;
    let done = 0;
    while (done < count && !trial.diverged && performance.now() < end) {
      trial.step(1);
      done += 1;
      if (done % every === 0) this.losses.push([trial.stepsDone, trial.loss()]);
    }
    if (done % every !== 0) this.losses.push([trial.stepsDone, trial.loss()]);
  }

  /**
   * @param {Trial} trial
   * @param {number} rate
   */
  #setRate(trial, rate) {
    if (!(rate > 0)) return this.answer({ kind: "refused", sentences: [`The rate must be above 0, not ${rate}.`] });
    trial.setRate(rate);
    this.#predict(trial);
    if (this.stepsPerFrame === 0) this.#show(trial);
  }

  /**
   * Tell what is predicted from here on.
   * @param {Trial} trial
   */
  #predict(trial) {
    this.predictedLoss = predictionOf(trial);
    const predicted = predictedLosses(trial, this.predictedLoss);
    this.answer({ kind: "predicted", predicted, linearised: predictedLosses(trial, linearisedPrediction(trial)) });
  }

  /**
   * Measure the sharpness, unless it is known of these weights, or was measured a moment ago.
   * @param {Trial} trial
   */
  #measure(trial) {
    const now = performance.now();
    if (this.measuredStep === trial.stepsDone || (this.stepsPerFrame > 0 && now < this.measureFrom)) return;
    const measured = sharpness(trial);
    const spent = performance.now() - now;
    this.measureFrom = now + Math.max(SHARPNESS_MILLISECONDS, 10 * spent);
    this.measuredStep = trial.stepsDone;
    this.sharpness = Number.isNaN(measured) ? null : measured;
    const { model, rule, minibatches } = trial;
    if (model.linear) return;
    const limit = rule.stabilityFactor === null || minibatches !== null ? NaN : rule.stabilityFactor / measured;
    this.limit = limit > 0 ? limit : null;
  }

  /**
   * Tell how the trial stands.
   * @param {Trial} trial
   */
  #show(trial) {
    this.#measure(trial);
    this.waits = true;
    this.answer({
      kind: "frame",
      step: trial.stepsDone,
      losses: this.losses,
      accuracy: accuracyOf(trial.content, trial.all.outputs, trial.targets), // of the loss that was told last
      predicted: this.predictedLoss === null ? null : this.predictedLoss(trial.stepsDone),
      fit: { x: this.grid, y: this.fit(trial.weights).slice() },
      units: trial.units(),
      weights: trial.weights.slice(),
      sharpness: this.sharpness,
      limit: this.limit,
      rate: trial.rate,
      diverged: trial.diverged,
      divergedAt: trial.divergedAt,
    });
    this.losses = [];
  }
}

/**
 * Points at which functions are shown: of one input a little beyond all training points, of two a square, of more they
 * themselves.
 * @param {Trial} trial
 * @returns {Float64Array} `[P, D]`.
 */
function gridOf({ content, points }) {
  if (content.dimension > 2) return points;
  const ends = content.data ? content.data.bounds : MEASURES[content.measure.name].bounds(content.measure.fields);
  const [low, high] = ends ?? [-Infinity, Infinity];
  const from = Number.isFinite(low) ? low : points.reduce((least, place) => Math.min(least, place), Infinity);
  const to = Number.isFinite(high) ? high : points.reduce((greatest, place) => Math.max(greatest, place), -Infinity);
  const side = content.dimension === 1 ? GRID_POINTS : GRID_SIDE;
  const place = (/** @type {number} */ i) => from + ((to - from) * i) / (side - 1);
  if (content.dimension === 1) return Float64Array.from({ length: side }, (_, i) => place(i));
  return Float64Array.from({ length: 2 * side * side }, (_, i) =>
    place(i % 2 ? Math.floor(i / (2 * side)) : (i >> 1) % side),
  );
}

/**
 * The predicted curve from the present step on, at steps evenly spaced in the logarithm.
 * @param {Trial} trial
 * @param {((step: number) => number) | null} predictedLoss
 * @returns {Losses | null}
 */
function predictedLosses(trial, predictedLoss) {
  if (predictedLoss === null) return null;
  const most = Math.max(trial.content.steps, 10 ** 5);
  const steps = Array.from({ length: PREDICTED_STEPS }, (_, i) => Math.round(most ** (i / (PREDICTED_STEPS - 1))) - 1);
  return [...new Set(steps)].map((step) => [trial.stepsDone + step, predictedLoss(trial.stepsDone + step)]);
}
