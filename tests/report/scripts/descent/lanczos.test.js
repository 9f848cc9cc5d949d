import assert from "node:assert/strict";
import { test } from "node:test";

import { largestEigenvalue } from "../../../../pipeline/report/scripts/descent/lanczos.js";

/** The operator of a diagonal matrix. */
const diagonal = (values) => (vector, product) => values.forEach((value, i) => { product[i] = value * vector[i]; });

test("of a diagonal matrix the largest entry is found, and not the one of largest magnitude", () => {
  const values = Array.from({ length: 60 }, (_, i) => Math.sin(i) - 2);
  values[17] = 1.25;
  assert.ok(Math.abs(largestEigenvalue(diagonal(values), 60) - 1.25) < 1e-13);
});

test("of few different eigenvalues, and of one weight, it is found before as many products as there are weights", () => {
  assert.ok(Math.abs(largestEigenvalue(diagonal(Array(40).fill(3)), 40) - 3) < 1e-14);
  assert.equal(largestEigenvalue(diagonal([-7]), 1), -7);
  assert.equal(largestEigenvalue(diagonal([0, 0, 0]), 3), 0);
});

test("an operator that is not finite has none", () => {
  assert.ok(Number.isNaN(largestEigenvalue(diagonal([1, NaN, 2]), 3)));
  assert.ok(Number.isNaN(largestEigenvalue(diagonal([1, Infinity, 2]), 3)));
});
