import assert from "node:assert/strict";
import { test } from "node:test";

import { splitByEigenvectors } from "../../../../pipeline/report/scripts/descent/symmetric_matrix.js";

test("of a vector v and a matrix A the parts give v.v, v.Av and v.AAv", () => {
  for (const size of [1, 2, 3, 12]) {
    const rows = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => Math.sin(i * j + i + j)));
    const vector = Float64Array.from({ length: size }, (_, i) => Math.cos(5 * i));
    const moments = [];
    for (let [power, moved] = [0, Array.from(vector)]; power < 3; power++) {
      moments.push(moved.reduce((sum, x, i) => sum + x * vector[i], 0));
      moved = rows.map((row) => row.reduce((sum, x, j) => sum + x * moved[j], 0));
    }
    const parts = vector.slice();
    const values = splitByEigenvectors(Float64Array.from(rows.flat()), parts);
    moments.forEach((moment, power) => {
      const found = parts.reduce((sum, part, s) => sum + part ** 2 * values[s] ** power, 0);
      assert.ok(Math.abs(found - moment) < 1e-12 * size ** 2);
    });
  }
});

test("a diagonal matrix keeps its entries and the vector", () => {
  const parts = Float64Array.of(3, -1);
  assert.deepEqual([...splitByEigenvectors(Float64Array.of(5, 0, 0, 7), parts)], [5, 7]);
  assert.deepEqual([...parts], [3, -1]);
});
