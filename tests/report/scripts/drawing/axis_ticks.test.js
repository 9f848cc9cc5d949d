import assert from "node:assert/strict";
import { test } from "node:test";

import { linearTicks, logTicks, roundStep, stepTicks } from "../../../../pipeline/report/scripts/drawing/axis_ticks.js";

test("ticks of a linear axis are round, inside, evenly spaced and no more than there is room for", () => {
  for (const [low, high] of [[-1, 1], [0, 1], [-0.013, 0.017], [3, 9871], [-1e-9, 1e-9], [1e6, 1e6 + 1]]) {
    for (const most of [2, 4, 7]) {
      const ticks = linearTicks(low, high, most), step = roundStep(low, high, most);
      assert.ok(ticks.length >= 1 && ticks.length <= most + 1, `${low} ${high} ${most}: ${ticks}`);
      assert.ok(ticks.every((tick) => tick >= low - 1e-9 * step && tick <= high + 1e-9 * step));
      assert.match(String(Number(step.toExponential(6).split("e")[0])), /^(1|2|5)$/);
      ticks.slice(1).forEach((tick, place) => assert.ok(Math.abs(tick - ticks[place] - step) < 1e-6 * step));
    }
  }
});

test("ticks of a logarithmic axis are powers of ten, and finer where there are fewer than two", () => {
  assert.deepEqual(logTicks(1e-8, 1, 20), [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]);
  assert.deepEqual(logTicks(1e-8, 1, 3), [1e-6, 1e-3, 1]);
  assert.deepEqual(logTicks(0.3, 3, 5), [0.5, 1, 2]);
  assert.deepEqual(logTicks(1, 10, 5), [1, 10]);
});

test("an axis of steps begins with 0", () => {
  assert.deepEqual(stepTicks(2000, 6), [0, 1, 10, 100, 1000]);
  assert.deepEqual(stepTicks(1e6, 4), [0, 100, 1e4, 1e6]);
  assert.deepEqual(stepTicks(20000, 2), [0, 1e4]);
  assert.deepEqual(stepTicks(9, 2), [0, 1]);
  assert.deepEqual(stepTicks(0, 4), [0]);
});

test("an interval that is empty or infinite has no ticks", () => {
  for (const [low, high] of [[1, 1], [2, 1], [0, Infinity], [NaN, 1]]) assert.deepEqual(linearTicks(low, high, 5), []);
  for (const [low, high] of [[0, 1], [-1, 1], [1, 1], [1, Infinity]]) assert.deepEqual(logTicks(low, high, 5), []);
});
