import assert from "node:assert/strict";
import { test } from "node:test";

import { centresOf, linesOf } from "../../../../pipeline/report/scripts/explorer/hidden_units.js";

test("a unit of one input bends where its argument is zero", () => {
  assert.deepEqual([...centresOf([2, -1, -4, 1, 99], 2)], [0.25, 0.5]);
});

test("a unit that depends on nothing bends nowhere", () => {
  assert.deepEqual([...centresOf([0, 1, 0, 0, 1, 0.5], 3)], [-0.5]);
});

test("a unit of two inputs bends along a line", () => {
  assert.deepEqual(linesOf([1, 2, 3, 4, 5, 6, 99], 2), [
    { slopes: [1, 2], bias: 3 },
    { slopes: [4, 5], bias: 6 },
  ]);
});
