import assert from "node:assert/strict";
import { test } from "node:test";

import { orderOf } from "../../../../pipeline/report/scripts/explorer/sorting.js";

const sorted = (/** @type {string[]} */ texts, isNumber = true, falls = false) =>
  orderOf(texts, isNumber, falls).map((place) => texts[place]);

test("numbers are sorted as numbers, infinite ones among them", () => {
  assert.deepEqual(sorted(["1e+03", "-inf", "20", "inf", "3"]), ["-inf", "3", "20", "1e+03", "inf"]);
});

test("words are sorted as people do, numbers within them too", () => {
  assert.deepEqual(sorted(["width 16", "Width 4", "bias"], false), ["bias", "Width 4", "width 16"]);
});

test("what is said of a number leaves it one, and ids that begin with digits are words", () => {
  const conditions = ["199", "inf (dependent features)", "3.106e+07", "61.23", "", "2.934e+08"];
  const rising = ["61.23", "199", "3.106e+07", "2.934e+08", "inf (dependent features)", ""];
  assert.deepEqual(sorted(conditions, false), rising);
  assert.deepEqual(sorted(["8", "full", "128", "16"], false), ["8", "16", "128", "full"]);
  assert.deepEqual(sorted(["2", "12e34", "a1"], false), ["2", "12e34", "a1"]);
});

test("nan and empty cells come last whichever way", () => {
  assert.deepEqual(sorted(["", "nan", "2", "1"]), ["1", "2", "nan", ""]);
  assert.deepEqual(sorted(["", "nan", "2", "1"], true, true), ["2", "1", "nan", ""]);
});

test("equal cells keep their order", () => {
  assert.deepEqual(orderOf(["1", "0", "1", "0"], true, false), [1, 3, 0, 2]);
  assert.deepEqual(orderOf(["1", "0", "1", "0"], true, true), [0, 2, 1, 3]);
});
