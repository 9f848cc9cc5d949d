import assert from "node:assert/strict";
import { test } from "node:test";

import { lineView, outputsView, planeView } from "../../../../pipeline/report/scripts/playground/fit_views.js";

const floats = (...numbers) => Float64Array.of(...numbers);
const PLANE = floats(0, 0, 1, 0, 0, 1, 1, 1);
const TABLE = { isTable: true, isDrawn: false, outputs: 1, task: "regression", loss: "half_mean_square", range: [0, 1] };

test("classes of the plane are the likeliest ones, as sure as they lead", () => {
  const truth = { x: PLANE, y: floats(0, 0, 0, 0) };
  const started = { ...TABLE, task: "classes", loss: "softmax_cross_entropy", outputs: 2, points: floats(0, 0, 1, 1),
    targets: floats(1, 0, 0, 1), truth };
  const logits = floats(0, 9, 0, -9, 0, 0, 0, 0), frame = { fit: { x: PLANE, y: logits }, units: [{ slopes: [1, 2], bias: 3 }] };
  const { fit, sure, points, units } = planeView(started, frame);
  assert.deepEqual([...fit.values], [0, 0, 0, 1]);
  assert.deepEqual(Array.from(sure, (one) => Number(one.toFixed(2))), [0, 0, 1, 1]);
  assert.deepEqual([...points.values], [0, 1]);
  assert.deepEqual(units, [{ slopes: [1, 2], bias: 3 }]);
});

test("of one input and several outputs each is a line, of logits its probability", () => {
  const truth = { x: floats(0, 1), y: floats(NaN, NaN) };
  const started = { ...TABLE, task: "labels", loss: "brier_score", outputs: 2, points: floats(0.5), targets: floats(1, 0), truth };
  const view = lineView(started, { fit: { x: truth.x, y: floats(0, 0, 0, 99) }, units: [] });
  assert.deepEqual(view.units.map(({ y }) => [...y]), [[0.5, 0.5], [0.5, 1]]);
  assert.deepEqual([view.truth, view.across, [...view.points.x], [...view.points.y]], [undefined, [0, 1], [0.5, 0.5], [1, 0]]);
});

test("of many inputs outputs stand over their targets, or the probabilities of right answers in order", () => {
  const fit = { x: floats(), y: floats(1, 3) }, started = { ...TABLE, targets: floats(1, 2) };
  const { truth, points } = outputsView(started, { fit, units: [] });
  assert.deepEqual([truth.x, [...points.x], [...points.y]], [[1, 2], [1, 2], [1, 3]]);
  const classes = { ...started, task: "classes", loss: "half_mean_square", outputs: 2, targets: floats(1, 0, 0, 1) };
  const shown = outputsView(classes, { fit: { x: floats(), y: floats(0.9, 0.3, 0.1, 0.7) }, units: [] });
  assert.deepEqual([[...shown.fit.x], [...shown.fit.y]], [[0.25, 0.75], [0.7, 0.9]]);
});
