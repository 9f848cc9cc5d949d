import assert from "node:assert/strict";
import { test } from "node:test";

import { drawnTarget } from "../../../../pipeline/report/scripts/descent/targets.js";

/** Value of a drawn function. */
const at = (places, x) => drawnTarget(places).value({}, Float64Array.of(x));

test("a drawn function is straight between its places in any order, and constant beyond them", () => {
  const places = [[1, 4], [-1, 0], [0, 2]];
  assert.deepEqual([-3, -1, -0.5, 0, 0.25, 1, 9].map((x) => at(places, x)), [0, 0, 1, 2, 2.5, 4, 4]);
});

test("one place is a constant, and of two above each other the function has a value", () => {
  assert.equal(at([[0.5, 3]], -1), 3);
  assert.ok([1, 5].includes(at([[0, 1], [0, 5], [1, 5]], 0)));
});
