import assert from "node:assert/strict";
import { test } from "node:test";

import { LossHistory } from "../../../../pipeline/report/scripts/playground/loss_history.js";

test("a short curve is kept whole", () => {
  const curve = new LossHistory();
  for (let step = 0; step < 100; step += 1) curve.add(step, 1 / (step + 1));
  assert.deepEqual(curve.steps, Array.from({ length: 100 }, (_, step) => step));
});

test("a long curve keeps its ends, its order, its extremes and its beginning, and stays short", () => {
  const curve = new LossHistory(3000);
  for (let step = 0; step <= 500000; step += 1) curve.add(step, step === 77777 ? 99 : 2 + Math.cos(step) / (1 + step));
  assert.ok(curve.steps.length <= 3000 && curve.steps.length > 500);
  assert.deepEqual([curve.steps[0], curve.steps.at(-1)], [0, 500000]);
  assert.ok(curve.steps.every((step, place) => place === 0 || step > curve.steps[place - 1]));
  assert.ok(curve.steps.includes(77777));
  assert.deepEqual(curve.steps.slice(0, 4), [0, 1, 2, 3]);
  assert.equal(curve.values.length, curve.steps.length);
});

test("a loss that is infinite or no number is kept as the last", () => {
  const curve = new LossHistory(10);
  for (let step = 0; step < 40; step += 1) curve.add(step, step);
  curve.add(40, NaN);
  assert.ok(Number.isNaN(curve.values.at(-1)));
});
