import assert from "node:assert/strict";
import { test } from "node:test";

import { accuracyOf, likeliestClasses } from "../../../../pipeline/report/scripts/descent/accuracy.js";

const content = (task, loss, numPoints) => ({ task, numPoints, loss: { name: loss, fields: {} } });

test("the likeliest class has the largest output, the first of equals, and none where one is no number", () => {
  assert.deepEqual([...likeliestClasses(Float64Array.of(1, 2, 0, NaN, 3, 2, -1, 5), 4)], [1, 0, 0, -1]);
});

test("a label is yes above one half of the square loss, above 0 of logits; a regression has no accuracy", () => {
  const [outputs, targets] = [Float64Array.of(0.4, 0.6, 0.2, -1), Float64Array.of(1, 1, 0, 0)];
  assert.equal(accuracyOf(content("labels", "half_mean_square", 4), outputs, targets), 0.75);
  assert.equal(accuracyOf(content("labels", "brier_score", 4), outputs, targets), 0.75);
  assert.equal(accuracyOf(content("classes", "softmax_cross_entropy", 2), outputs, Float64Array.of(1, 1, 0, 0)), 1);
  assert.equal(accuracyOf(content("regression", "half_mean_square", 4), outputs, targets), null);
});
