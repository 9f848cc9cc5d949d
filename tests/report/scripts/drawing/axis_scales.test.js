import assert from "node:assert/strict";
import { test } from "node:test";

import { logSpanOf, scaleOf, spanOf } from "../../../../pipeline/report/scripts/drawing/axis_scales.js";

const AXES = [
  { kind: "linear", low: -2, high: 3, title: "" },
  { kind: "log", low: 1e-9, high: 1e3, title: "" },
  { kind: "steps", low: 0, high: 20000, title: "" },
];

test("a scale takes the ends of its axis to the ends of its pixels, upside down too, and a pixel back to its value", () => {
  for (const axis of AXES) {
    for (const [from, to] of [[10, 410], [300, 20]]) {
      const scale = scaleOf(axis, from, to);
      assert.ok(Math.abs(scale.place(axis.low) - from) < 1e-9);
      assert.ok(Math.abs(scale.place(axis.high) - to) < 1e-9);
      for (const pixel of [25, 111, 299]) assert.ok(Math.abs(scale.place(scale.value(pixel)) - pixel) < 1e-6);
    }
  }
});

test("ticks stand between the ends and say what they are", () => {
  for (const axis of AXES) {
    const ticks = scaleOf(axis, 0, 400).ticks(6);
    assert.ok(ticks.length >= 3);
    assert.ok(ticks.every(({ value, text }) => value >= axis.low && value <= axis.high && text.length > 0));
    assert.equal(new Set(ticks.map(({ text }) => text)).size, ticks.length);
  }
});

test("an axis of one value has a place for it", () => {
  assert.ok(Number.isFinite(scaleOf({ kind: "linear", low: 2, high: 2, title: "" }, 0, 100).place(2)));
});

test("the interval of values passes over what is not finite, and of a logarithm over what is not positive", () => {
  assert.deepEqual(spanOf([3, NaN, 1, Infinity], 0), [1, 3]);
  assert.deepEqual(spanOf([], 0), [0, 1]);
  const [same, above] = spanOf([2, 2]);
  assert.ok(same < 2 && above > 2);
  const [low, high] = logSpanOf([0, -1, 1e-3, 10, Infinity]);
  assert.ok(low <= 1e-3 && low > 1e-4 && high >= 10 && high < 100);
  const [near, far] = logSpanOf([0.5, 0.5]);
  assert.ok(far / near >= 10);
});
