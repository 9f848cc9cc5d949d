import assert from "node:assert/strict";
import { test } from "node:test";

import { multiIndices, polarCoordinates } from "../../../../pipeline/report/scripts/descent/features.js";

test("products are taken by total degree or by the larger degree, and a prefix of more is fewer", () => {
  assert.deepEqual(multiIndices(6, 2, false), [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]);
  assert.deepEqual(multiIndices(5, 2, true), [[0, 0], [1, 0], [0, 1], [1, 1], [2, 0]]);
  for (const full of [true, false]) assert.deepEqual(multiIndices(40, 3, full).slice(0, 17), multiIndices(17, 3, full));
});

test("polar coordinates are a distance and an angle in units of pi", () => {
  assert.deepEqual([...polarCoordinates(Float64Array.of(0, 2, -3, 0))], [2, 0.5, 3, 1]);
});
