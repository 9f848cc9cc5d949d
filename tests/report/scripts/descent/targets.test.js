import assert from "node:assert/strict";
import { test } from "node:test";

import { TARGETS } from "../../../../pipeline/report/scripts/descent/targets.js";

test("a piecewise linear function is straight between its knots, and constant beyond them", () => {
  const at = (fields, x) => TARGETS.piecewise_linear.value(fields, Float64Array.of(x));
  const fields = { knots: [-1, 0, 1], values: [0, 2, 4] };
  assert.deepEqual([-3, -1, -0.5, 0, 0.25, 1, 9].map((x) => at(fields, x)), [0, 0, 1, 2, 2.5, 4, 4]);
  assert.equal(at({ knots: [0.5], values: [3] }, -1), 3);
});

test("spirals have each class in turn around the origin, and turn with the distance from it", () => {
  const { value, classes } = TARGETS.spirals, at = (fields, r, turn) =>
    value(fields, Float64Array.of(r * Math.cos(2 * Math.PI * turn), r * Math.sin(2 * Math.PI * turn)));
  assert.equal(classes({ classes: 4 }), 4);
  const straight = { classes: 4, turns: 0 };
  assert.deepEqual([0.1, 0.3, 0.6, 0.9].map((turn) => at(straight, 0.5, turn)), [0, 1, 2, 3]);
  assert.equal(at({ classes: 4, turns: 1 }, 0.25, 0.1), 1);
  assert.equal(value(straight, Float64Array.of(1, -1e-20)), 3);
});
