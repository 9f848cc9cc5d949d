import assert from "node:assert/strict";
import { test } from "node:test";

import { placeAfter } from "../../../../pipeline/report/scripts/explorer/grid_keys.js";

const FROM = { row: 1, column: 2 };

for (const [key, ctrlKey, row, column] of /** @type {[string, boolean, number, number][]} */ ([
  ["ArrowUp", false, 0, 2],
  ["ArrowDown", false, 2, 2],
  ["ArrowLeft", false, 1, 1],
  ["ArrowRight", false, 1, 3],
  ["Home", false, 1, 0],
  ["End", false, 1, 3],
  ["Home", true, 0, 0],
  ["End", true, 2, 3],
  ["PageUp", false, 0, 2],
  ["PageDown", false, 2, 2],
])) {
  test(`${ctrlKey ? "Control and " : ""}${key} goes where a grid's reader expects`, () => {
    assert.deepEqual(placeAfter(FROM, { key, ctrlKey }, 3, 4), { row, column });
  });
}

test("nothing leads out of the grid", () => {
  assert.deepEqual(placeAfter({ row: 0, column: 0 }, { key: "ArrowUp" }, 3, 4), { row: 0, column: 0 });
  assert.deepEqual(placeAfter({ row: 2, column: 3 }, { key: "ArrowRight" }, 3, 4), { row: 2, column: 3 });
});

test("other keys are the browser's", () => {
  for (const key of ["Tab", "a", "Enter", "toString"]) assert.equal(placeAfter(FROM, { key }, 3, 4), null);
});
