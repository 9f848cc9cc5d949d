import assert from "node:assert/strict";
import { test } from "node:test";

import { heightOf } from "../../../../pipeline/report/scripts/explorer/rate_axis.js";

const close = (/** @type {number | null} */ height, /** @type {number} */ expected) =>
  assert.ok(height !== null && Math.abs(height - expected) < 1e-12, String(height));

test("a rate of the axis stands in the middle of its row where rates are evenly spaced", () => {
  close(heightOf([0.01, 0.1, 1], 0.01), 0.5);
  close(heightOf([0.01, 0.1, 1], 0.1), 1.5);
  close(heightOf([0.01, 0.1, 1], 1), 2.5);
});

test("the edge of two rows is the geometric mean of their rates", () => {
  close(heightOf([0.01, 1, 4], 0.1), 1);
  close(heightOf([0.01, 1, 4], 2), 2);
});

test("a rate beyond the rows has no height, nor has what is no rate", () => {
  for (const rate of [1e-9, 1e9, 0, -1, NaN, Infinity]) assert.equal(heightOf([0.01, 0.1, 1], rate), null);
  assert.equal(heightOf([], 1), null);
});

test("one rate alone has a row, too", () => {
  close(heightOf([0.5], 0.5), 0.5);
  assert.equal(heightOf([0.5], 50), null);
});
