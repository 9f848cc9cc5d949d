import assert from "node:assert/strict";
import { test } from "node:test";

import { colourOf, fractionOf, scaleOf } from "../../../../pipeline/report/scripts/explorer/colour_scale.js";

test("a scale over decades is logarithmic: its middle is the geometric mean", () => {
  const scale = scaleOf([1e-4, 1e-2, 1]);
  assert.ok(scale.isLog);
  assert.ok(Math.abs(fractionOf(1e-2, scale) - 0.5) < 1e-12);
});

test("a scale with a zero, or within a decade, is linear", () => {
  assert.ok(!scaleOf([0, 100]).isLog);
  assert.equal(fractionOf(1.5, scaleOf([1, 2])), 0.5);
});

test("a single perfect fit does not take all colours for itself", () => {
  const values = [1e-30, ...Array.from({ length: 39 }, (_, place) => 10 ** (-place / 10))];
  assert.ok(scaleOf(values).least > 1e-5);
  assert.equal(fractionOf(1e-30, scaleOf(values)), 0);
});

test("what is not finite has no say, and beyond the ends there is no colour", () => {
  const scale = scaleOf([NaN, Infinity, 1, 3]);
  assert.deepEqual([scale.least, scale.greatest], [1, 3]);
  assert.deepEqual(
    [0, 5].map((value) => fractionOf(value, scale)),
    [0, 1],
  );
  assert.equal(fractionOf(0, scaleOf([])), 0);
  assert.equal(fractionOf(2, scaleOf([2, 2])), 0);
});

test("the best is brightest and the worst darkest", () => {
  assert.equal(colourOf(0), "color-mix(in srgb, var(--ramp-7) 100%, var(--ramp-6))");
  assert.equal(colourOf(1), "color-mix(in srgb, var(--ramp-1) 0%, var(--ramp-0))");
});
