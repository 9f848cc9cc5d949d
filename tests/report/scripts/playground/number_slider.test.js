import assert from "node:assert/strict";
import { test } from "node:test";

import { nearest } from "../../../../pipeline/report/scripts/playground/number_slider.js";

test("a value that the slider does not have stands at the nearest one", () => {
  assert.deepEqual([0, 5, 7, 1000].map((value) => nearest([4, 6, 8], value)), [0, 0, 1, 2]);
});
