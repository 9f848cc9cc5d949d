import assert from "node:assert/strict";
import { test } from "node:test";

import { createTrial } from "../../../../pipeline/report/scripts/descent/trial.js";

const NETWORK = { target: "sine", model: { shallow: { activation: "tanh" } }, width: 6, learning_rate: 0.1, num_points: 20 };
const LINEAR = { ...NETWORK, model: { linear: {} } };

/** Losses of some steps. */
const losses = (trial, count) => {
  const found = [];
  trial.step(count, (_, loss) => found.push(loss));
  return found;
};

test("steps in parts are the steps at once, and a look at the loss changes nothing", () => {
  for (const setting of [NETWORK, { ...NETWORK, batch_size: 6 }, { ...LINEAR, optimizer: "adam" }]) {
    const [whole, parts] = [createTrial(setting), createTrial(setting)];
    whole.step(50);
    for (let i = 0; i < 25; i++) {
      parts.loss();
      parts.step(2);
    }
    assert.deepEqual(parts.weights, whole.weights);
    assert.equal(parts.stepsDone, 50);
  }
});

test("a rate of 1e9 diverges and says when; it goes on from its start", () => {
  const trial = createTrial({ ...NETWORK, learning_rate: 1e9 });
  trial.step(1000);
  assert.ok(trial.diverged);
  assert.ok(trial.divergedAt > 0 && trial.divergedAt < 10);
  assert.equal(trial.stepsDone, trial.divergedAt);
  trial.step(5);
  assert.equal(trial.stepsDone, trial.divergedAt);
  trial.setRate(0.1);
  trial.reset();
  const again = losses(trial, 20);
  assert.equal(again[0], trial.firstLoss);
  assert.ok(again[19] < again[0]);
  assert.ok(!trial.diverged);
});

test("a step beyond the largest stable rate raises the loss of a linear model in the end, one below it never does", () => {
  for (const [multiple, falls] of [[0.98, true], [1.02, false]]) {
    const trial = createTrial({ ...LINEAR, learning_rate: { of_limit: multiple } });
    const seen = losses(trial, 3000);
    assert.equal(seen[2999] < seen[0], falls);
  }
});

test("another rate holds from there on", () => {
  const trial = createTrial(NETWORK);
  trial.setRate(1e-300);
  const weights = trial.weights.slice();
  trial.step(10);
  assert.deepEqual(trial.weights, weights);
  assert.throws(() => trial.setRate(0), /must be above 0, not 0/);
});

test("outputs at the training points give the loss, units tell the weights, kinks are where a unit bends", () => {
  const trial = createTrial({ ...NETWORK, model: "shallow" });
  trial.step(10);
  const outputs = trial.outputs(trial.points);
  const sum = outputs.reduce((total, output, p) => total + (output - trial.targets[p]) ** 2, 0);
  assert.ok(Math.abs(sum / 40 / trial.loss() - 1) < 1e-14);
  for (const { kink, slope, bias } of trial.units()) assert.ok(Math.abs(slope * kink + bias) < 1e-15);
  assert.equal(createTrial(NETWORK).units()[0].kink, undefined);
});

test("a basis on [-1, 1] says nothing beyond it", () => {
  const trial = createTrial({ ...LINEAR, model: { linear: { basis: "hat" } } });
  trial.step(5);
  assert.deepEqual([...trial.outputs(Float64Array.of(-1.5, 0, 2))].map(Number.isNaN), [true, false, true]);
});

test("a drawn function is learned, and its points depend on the drawing", () => {
  const [flat, steep] = [0, 5].map((end) => createTrial({ ...LINEAR, target: undefined, drawn: [[-1, 0], [1, end]] }));
  assert.ok(flat.targets.every((target) => target === 0));
  assert.notDeepEqual(flat.points, steep.points);
  steep.step(400);
  assert.ok(steep.loss() < 0.01 * steep.firstLoss);
});
