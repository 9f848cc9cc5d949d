import assert from "node:assert/strict";
import { test } from "node:test";

import { logTickText, powerOfTen, shortNumber, tickText } from "../../../../pipeline/report/scripts/drawing/number_text.js";

test("a number has few digits, a minus sign, and an exponent where it is very large or small", () => {
  const cases = [[0.0125, "0.0125"], [-1.5, "−1.5"], [2.5e-7, "2.5e−7"], [123456789, "1.23e8"], [0, "0"], [1 / 3, "0.333"]];
  for (const [value, text] of cases) assert.equal(shortNumber(value), text);
});

test("what is no finite number is said in words", () => {
  assert.deepEqual([Infinity, -Infinity, NaN].map((value) => shortNumber(value)), ["infinite", "minus infinite", "not a number"]);
});

test("powers of ten are as in print", () => {
  assert.equal(powerOfTen(-12), "10⁻¹²");
  assert.deepEqual([0.001, 1, 20, 1000, 1e-5, 2e7].map(logTickText), ["0.001", "1", "20", "1000", "10⁻⁵", "2·10⁷"]);
});

test("ticks have as many decimals as their neighbours need, and zero has no sign", () => {
  assert.deepEqual([-1, -0.5, 0, 0.5].map((value) => tickText(value, 0.5)), ["−1.0", "−0.5", "0.0", "0.5"]);
  assert.deepEqual([0, 100].map((value) => tickText(value, 100)), ["0", "100"]);
  assert.equal(tickText(-1e-18, 0.2), "0.0");
});
