import assert from "node:assert/strict";
import { test } from "node:test";

import { valueAt } from "../../../../pipeline/report/scripts/drawing/step_plot.js";

test("a mark stands at the last recorded step up to its own", () => {
  const curve = { name: "loss", steps: [0, 3, 10], values: [5, 4, 3] };
  assert.deepEqual([0, 2, 3, 9, 10, 99].map((step) => valueAt(curve, step)), [5, 5, 4, 4, 3, 3]);
  assert.ok(Number.isNaN(valueAt(curve, -1)));
});
