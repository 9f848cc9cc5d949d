import assert from "node:assert/strict";
import { test } from "node:test";

import { diagonalise } from "../../../../pipeline/report/scripts/descent/tridiagonal.js";

/** Rows of the identity. */
const identity = (size) => Array.from({ length: size }, (_, i) => Float64Array.from({ length: size }, (_, j) => +(i === j)));

test("eigenvalues of the second difference are 2 - 2 cos", () => {
  const size = 9;
  const values = new Float64Array(size).fill(2);
  diagonalise(values, new Float64Array(size).fill(-1), []);
  values.sort().forEach((value, k) => {
    assert.ok(Math.abs(value - (2 - 2 * Math.cos(((k + 1) * Math.PI) / (size + 1)))) < 1e-14);
  });
});

test("rows of the identity become eigenvectors, also of a matrix that falls into parts", () => {
  const diagonal = [4, 3, 3, 1, 0.5, 2];
  const beside = [1, 0, 0.3, 0, 0.1, 0];
  const values = Float64Array.from(diagonal);
  const rows = identity(6);
  diagonalise(values, Float64Array.from(beside), rows);
  for (let k = 0; k < 6; k++) {
    for (let i = 0; i < 6; i++) {
      const below = i > 0 ? beside[i - 1] * rows[i - 1][k] : 0;
      const above = i < 5 ? beside[i] * rows[i + 1][k] : 0;
      assert.ok(Math.abs(below + diagonal[i] * rows[i][k] + above - values[k] * rows[i][k]) < 1e-14);
    }
  }
});
