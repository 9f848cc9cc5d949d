import assert from "node:assert/strict";
import { test } from "node:test";

import { greedyAtoms, sizeOfDictionary } from "../../../../pipeline/report/scripts/descent/atoms.js";

const UNITS = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1); // three atoms at three points
const RULES = ["least_squares", "inner_product"];

test("of unit vectors the largest coordinates of the target are taken, in their order", () => {
  for (const rule of RULES) assert.deepEqual(greedyAtoms(rule, UNITS, Float64Array.of(0, 2, 1), 3, 2), [1, 2]);
});

test("where nothing is left the first others follow, and none is taken twice", () => {
  const repeated = Float64Array.of(0, 1, 0, 0, 1, 0, 1, 0, 0);
  for (const rule of RULES) assert.deepEqual(greedyAtoms(rule, repeated, Float64Array.of(1, 3, 0), 3, 3), [0, 2, 1]);
});

test("one rule takes the longest shadow, the other what lowers the residual most", () => {
  const atoms = Float64Array.of(10, 10, 0, 1); // the first is long and leaves half, the second is the target itself
  assert.deepEqual(greedyAtoms("inner_product", atoms, Float64Array.of(0, 1), 2, 1), [0]);
  assert.deepEqual(greedyAtoms("least_squares", atoms, Float64Array.of(0, 1), 2, 1), [1]);
});

test("several outputs are approximated together", () => {
  const targets = Float64Array.of(2, 0, 0, 0, 1, 3);
  assert.deepEqual(greedyAtoms("least_squares", UNITS, targets, 3, 3), [2, 0, 1]);
});

test("a dictionary is as large as it is written, or four times the width and at least 32", () => {
  const size = (written, width) => sizeOfDictionary({ name: "greedy", fields: { size: written } }, width);
  assert.deepEqual([size(9, 3), size(null, 3), size(null, 10)], [9, 32, 40]);
});
