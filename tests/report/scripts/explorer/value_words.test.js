import assert from "node:assert/strict";
import { test } from "node:test";

import { toldApart, valueWords } from "../../../../pipeline/report/scripts/explorer/value_words.js";

test("whole numbers are whole, others have three digits", () => {
  assert.deepEqual([1024, 99999, -1025, 0, 0.012345, 2.5e-7, 123456].map(valueWords), [
    "1024",
    "99999",
    "−1025",
    "0",
    "0.0123",
    "2.5e−7",
    "1.23e5",
  ]);
  assert.deepEqual([Infinity, NaN].map(valueWords), ["infinite", "not a number"]);
});

test("values of an axis are told apart, in no more digits than that takes", () => {
  assert.deepEqual(toldApart([0.01, 0.1, 1 / 3]), ["0.01", "0.1", "0.333"]);
  assert.deepEqual(toldApart([0.10001, 0.10002, 1.5]), ["0.10001", "0.10002", "1.5"]);
  assert.deepEqual(toldApart([1, 1 + Number.EPSILON]), ["1", "1.0000000000000002"]);
  assert.deepEqual(toldApart([]), []);
  assert.deepEqual(toldApart([0.999, 1.001, 0.03162, 0.0316227]), ["0.999", "1.001", "0.03162", "0.0316"]);
});
