import assert from "node:assert/strict";
import { test } from "node:test";

import { Modes, contraction } from "../../../../pipeline/report/scripts/descent/modes.js";
import { UPDATE_RULES } from "../../../../pipeline/report/scripts/descent/update_rules.js";

const RULES = ["gradient_descent", "momentum", "nesterov"];
const EIGENVALUES = [4, 1, 1e-3, 0];

for (const name of RULES) {
  for (const multiple of [0.3, 0.99, 1.01]) {
    test(`${name} at ${multiple} of its limit: the loss in closed form is that of the steps, from rest and on the way`, () => {
      const rule = UPDATE_RULES[name]({ momentum: 0.8 });
      const rate = (multiple * rule.stabilityFactor) / EIGENVALUES[0];
      const weights = Float64Array.from([1, -2, 3, 0]);
      const slots = rule.slots ? [new Float64Array(4)] : [];
      const numPoints = 5;
      // Errors of the outputs are roots of P times eigenvalues, times errors of the weights.
      const scales = EIGENVALUES.map((value) => Math.sqrt(numPoints * value));
      const loss = () => weights.reduce((sum, w, s) => sum + (EIGENVALUES[s] * w * w) / 2, 0.25);
      const modesNow = () => new Modes(Float64Array.from(EIGENVALUES), weights.map((w, s) => w * scales[s]),
        (slots[0] ?? new Float64Array(4)).map((v, s) => v * scales[s]), 0.25, numPoints);
      const first = modesNow();
      let later = first;
      for (let step = 0; step <= 60; step++) {
        if (step === 23) later = modesNow();
        assert.ok(Math.abs(first.loss(step, rate, rule.recurrence) / loss() - 1) < 1e-10);
        if (step >= 23) assert.ok(Math.abs(later.loss(step - 23, rate, rule.recurrence) / loss() - 1) < 1e-10);
        rule.update(weights, weights.map((w, s) => w * EIGENVALUES[s]), slots, rate, step + 1);
      }
    });
  }
}

test("a mode neither grows nor shrinks at the limit of its rule", () => {
  for (const name of RULES) {
    const { stabilityFactor, recurrence } = UPDATE_RULES[name]({ momentum: 0.9 });
    assert.ok(Math.abs(contraction(stabilityFactor, recurrence.momentum, recurrence.nesterov) - 1) < 1e-12);
  }
});

test("ten thousand diverging steps are a loss without end, and a rate that hits the minimum leaves the floor", () => {
  const one = new Modes(Float64Array.of(1), Float64Array.of(2), Float64Array.of(0), 0.5, 2);
  const descent = { momentum: 0, nesterov: false };
  assert.equal(one.loss(10000, 3, descent), Infinity);
  assert.equal(one.loss(1, 1, descent), 0.5);
  assert.equal(one.loss(0, 1, descent), 1.5);
});
