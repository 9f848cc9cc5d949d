/**
 * Steps a second of descent in this page beside TensorFlow.js on its CPU backend: one network, from the same weights, in
 * turns. The page has TensorFlow.js before this script, and an element `found` that it writes its table to.
 */

import { createTrial } from "../descent/trial.js";

/** @typedef {import("../descent/trial.js").Trial} Trial */

/** What TensorFlow.js offers; its types are not here. @type {any} */
const tf = Reflect.get(globalThis, "tf");

const NUM_POINTS = 256;
const WIDTH = 64;
const RATE = 0.05;
const ROUNDS = 5;
const MILLISECONDS = 400;
const CHECKED_STEPS = 100;
/** Largest relative difference of the losses after those steps; TensorFlow.js computes in float32. */
const TOLERANCE = 1e-4;

/**
 * A tensor of some of the weights.
 * @param {Trial} trial
 * @param {number[]} shape
 * @param {number} first Where they begin.
 * @param {number} every Every how many there is one.
 * @returns {any} A variable.
 */
function variable(trial, shape, first, every) {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.variable(tf.tensor(Float32Array.from({ length: size }, (_, i) => trial.weights[first + every * i]), shape));
}

/**
 * The same network in TensorFlow.js.
 * @param {Trial} trial At its first weights.
 * @param {string} activation
 * @returns {{step: () => void, loss: () => number}}
 */
function network(trial, activation) {
  const points = tf.tensor2d(Float32Array.from(trial.points), [NUM_POINTS, 1]);
  const targets = tf.tensor2d(Float32Array.from(trial.targets), [NUM_POINTS, 1]);
  const [slopes, biases] = [variable(trial, [1, WIDTH], 0, 2), variable(trial, [WIDTH], 1, 2)];
  const [weights, bias] = [variable(trial, [WIDTH, 1], 2 * WIDTH, 1), variable(trial, [1], 3 * WIDTH, 1)];
  const optimizer = tf.train.sgd(RATE);
  const loss = () => {
    const outputs = tf[activation](points.matMul(slopes).add(biases)).matMul(weights).add(bias);
    return outputs.sub(targets).square().mean().mul(0.5);
  };
  return { step: () => optimizer.minimize(loss), loss: () => tf.tidy(() => loss().dataSync()[0]) };
}

/**
 * Steps a second.
 * @param {() => void} step
 * @returns {number}
 */
function rateOf(step) {
  const began = performance.now();
  let count = 0;
  let now = began;
  for (; now < began + MILLISECONDS; now = performance.now()) {
    step();
    count += 1;
  }
  return (1000 * count) / (now - began);
}

/**
 * Both in turns.
 * @param {string} activation
 * @returns {{activation: string, page: number[], tensorflow: number[]}} Steps a second of each round.
 */
function inTurns(activation) {
  const inputs = { measure: "grid" };
  const model = { shallow: { activation } };
  const trial = createTrial({ target: "sine", inputs, num_points: NUM_POINTS, model, width: WIDTH, learning_rate: RATE });
  const peer = network(trial, activation);
  trial.step(CHECKED_STEPS);
  for (let step = 0; step < CHECKED_STEPS; step++) peer.step();
  if (!(Math.abs(peer.loss() / trial.loss() - 1) < TOLERANCE)) {
    throw new Error(`after ${CHECKED_STEPS} steps the losses are ${trial.loss()} here and ${peer.loss()} there`);
  }
  /** @type {number[]} */
  const page = [];
  /** @type {number[]} */
  const tensorflow = [];
  for (let round = 0; round < ROUNDS; round++) {
    page.push(rateOf(() => trial.step(1)));
    tensorflow.push(rateOf(peer.step));
  }
  return { activation, page, tensorflow };
}

tf.setBackend("cpu");
const found = document.getElementById("found");
if (found) found.textContent = JSON.stringify(["relu", "tanh"].map(inTurns));
