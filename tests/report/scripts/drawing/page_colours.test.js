import assert from "node:assert/strict";
import { test } from "node:test";

import { between, channels } from "../../../../pipeline/report/scripts/drawing/page_colours.js";

test("a colour between two others is as far from both as it is asked to be", () => {
  const [blue, orange] = [channels("#0072b2"), channels("#e69f00")];
  assert.deepEqual(blue, [0, 114, 178]);
  assert.deepEqual(between(blue, orange, 0), blue);
  assert.deepEqual(between(blue, orange, 1), orange);
  assert.deepEqual(between([0, 0, 0], [10, 20, 30], 0.5), [5, 10, 15]);
});
