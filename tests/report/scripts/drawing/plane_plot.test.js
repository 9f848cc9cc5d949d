import assert from "node:assert/strict";
import { test } from "node:test";

import { cellEnds, classColour, colourOf, lineInside } from "../../../../pipeline/report/scripts/drawing/plane_plot.js";

const COLOURS = [[0, 0, 255], [255, 255, 255], [255, 128, 0]];

test("colours go from that of the low end over that of the middle to that of the high end, and no further", () => {
  assert.deepEqual([0, 0.5, 1, -7, 9].map((value) => colourOf(value, [0, 1], COLOURS)), [
    COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[0], COLOURS[2],
  ]);
  assert.deepEqual(colourOf(0.25, [0, 1], COLOURS), [127.5, 127.5, 255]);
  assert.deepEqual(colourOf(NaN, [0, 1], COLOURS), COLOURS[1]);
});

test("a class has its own colour, never quite that of the paper, and no class that of the paper", () => {
  const paper = [255, 255, 255], full = classColour(0, 1, paper), pale = classColour(0, 0, paper);
  assert.deepEqual(full, [0, 114, 178]);
  assert.ok(pale[0] > full[0] && pale[0] < 255);
  assert.deepEqual(classColour(-1, 1, paper), paper);
  assert.notDeepEqual(classColour(1, 1, paper), full);
});

test("a unit bends where its weighted sum is zero, on a line that crosses the square from side to side", () => {
  for (const unit of [{ slopes: [1, 2], bias: 0.3 }, { slopes: [0, -4], bias: 1 }, { slopes: [1e-3, 0], bias: 0 }]) {
    const [x, y, beyond, above] = lineInside(unit, [-1, 1]);
    for (const [one, other] of [[x, y], [beyond, above]]) {
      assert.ok(Math.abs(unit.slopes[0] * one + unit.slopes[1] * other + unit.bias) < 1e-12);
    }
    assert.ok(Math.hypot(beyond - x, above - y) > 2 * Math.hypot(2, 2) - 1e-9);
  }
  assert.equal(lineInside({ slopes: [0, 0], bias: 1 }, [-1, 1]), null);
});

test("points of a grid stand in the middle of their cells", () => {
  assert.deepEqual(cellEnds([0.25, 0.75]), [0, 1]);
});
