import assert from "node:assert/strict";
import { test } from "node:test";

import { theoryOf } from "../../../../pipeline/report/scripts/descent/theory.js";
import { createTrial } from "../../../../pipeline/report/scripts/descent/trial.js";

const LINEAR = { target: "sine", model: { linear: {} }, width: 5, learning_rate: 0.1, num_points: 30 };
const NETWORK = { ...LINEAR, model: { shallow: { activation: "tanh" } } };

test("the rate that a multiple of the limit stands for is that multiple", () => {
  for (const setting of [LINEAR, { ...NETWORK, optimizer: "momentum" }]) {
    const trial = createTrial({ ...setting, learning_rate: { of_limit: 0.25 } });
    assert.ok(Math.abs(trial.rate / theoryOf(trial).limit - 0.25) < 1e-9);
  }
});

test("nothing is predicted of networks, other losses, Adam and minibatches, and Adam and minibatches have no limit", () => {
  const labels = { ...LINEAR, target: "outer_ring", loss: "brier_score" };
  for (const setting of [NETWORK, labels]) {
    const { predictedLoss, limit } = theoryOf(createTrial(setting));
    assert.equal(predictedLoss, null);
    assert.ok(limit > 0);
  }
  for (const changed of [{ optimizer: "adam" }, { batch_size: 7 }]) {
    const { predictedLoss, linearisedLoss, limit } = theoryOf(createTrial({ ...LINEAR, ...changed }));
    assert.deepEqual([predictedLoss, linearisedLoss, limit], [null, null, null]);
  }
});

test("more features than points are linearly dependent", () => {
  assert.equal(theoryOf(createTrial({ ...LINEAR, width: 31 })).condition, Infinity);
  assert.equal(theoryOf(createTrial({ ...NETWORK, width: 30 })).condition, Infinity);
});

test("of very many features the limit is known, and neither their condition number nor a prediction", () => {
  const many = createTrial({ ...LINEAR, model: { linear: { basis: "hat" } }, width: 257, num_points: 300 });
  const { limit, condition, predictedLoss, sharpness } = theoryOf(many);
  assert.ok(Math.abs((limit * sharpness()) / 2 - 1) < 1e-7);
  assert.ok(Number.isNaN(condition));
  assert.equal(predictedLoss, null);
});

test("features that are not finite have no limit, and are no endless work", () => {
  const model = { linear: { basis: "monomial" } };
  const inputs = { measure: { normal: { scale: 1e6 } } };
  const trial = createTrial({ ...LINEAR, model, inputs, width: 80 });
  assert.equal(theoryOf(trial).limit, null);
  trial.step(1);
  assert.equal(trial.divergedAt, 0);
});
