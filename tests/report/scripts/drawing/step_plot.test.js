import assert from "node:assert/strict";
import { test } from "node:test";

import { uprightSpan, valueAt } from "../../../../pipeline/report/scripts/drawing/step_plot.js";

test("a mark stands at the last recorded step up to its own", () => {
  const curve = { name: "loss", steps: [0, 3, 10], values: [5, 4, 3] };
  assert.deepEqual([0, 2, 3, 9, 10, 99].map((step) => valueAt(curve, step)), [5, 5, 4, 4, 3, 3]);
  assert.ok(Number.isNaN(valueAt(curve, -1)));
});

const curve = (kind, values) => ({ name: "loss", kind, steps: values.map((_, step) => step), values });

test("an axis has room for what is predicted up to its last step, and for all that was measured", () => {
  const curves = [curve("measured", [1, 0.5]), curve("predicted", [1, 0.5, 0.01, 1e-6])];
  const [low, high] = uprightSpan({ curves, title: "" }, 2);
  assert.ok(low <= 0.01 && low > 1e-3 && high >= 1 && high < 10);
});

test("an axis follows no prediction to where a trial has diverged, nor to rounding", () => {
  const [, high] = uprightSpan({ curves: [curve("predicted", [1, 1e5, 1e20, Infinity])], title: "" }, 9);
  assert.ok(high >= 1e5 && high < 1e6);
  const [low] = uprightSpan({ curves: [curve("predicted", [1, 1e-40, 0])], title: "" }, 9);
  assert.ok(low <= 1e-10 && low > 1e-12);
});

test("what was measured before a change squashes nothing", () => {
  const curves = [curve("before", [1, 1e-20, 1e30]), curve(undefined, [1, 0.1])];
  assert.deepEqual(uprightSpan({ curves, title: "" }, 9), uprightSpan({ curves: [curves[1]], title: "" }, 9));
});
