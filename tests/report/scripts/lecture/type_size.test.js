import assert from "node:assert/strict";
import test from "node:test";

import { TYPES, firstThatFits } from "../../../../pipeline/report/scripts/lecture/type_size.js";

test("type is as large as fits", () => {
  assert.deepEqual(firstThatFits(() => true), { size: 1, brief: false });
  assert.deepEqual(firstThatFits(({ size }) => size <= 0.9), { size: 0.9, brief: false });
});

test("what is said in the second place is left out rather than said in small type", () => {
  assert.deepEqual(firstThatFits(({ size, brief }) => size <= 0.6 || (brief && size <= 0.95)), { size: 0.95, brief: true });
});

test("what never fits has the smallest type, and each type is tried once, the larger ones first", () => {
  /** @type {import("../../../../pipeline/report/scripts/lecture/type_size.js").Type[]} */
  const tried = [];
  const last = firstThatFits((type) => { tried.push(type); return false; });
  assert.deepEqual(last, { size: 0.5, brief: true });
  assert.deepEqual(tried, TYPES);
  for (const brief of [false, true]) {
    const sizes = tried.filter((type) => type.brief === brief).map(({ size }) => size);
    assert.deepEqual(sizes, [...new Set(sizes)].sort((a, b) => b - a));
  }
});
