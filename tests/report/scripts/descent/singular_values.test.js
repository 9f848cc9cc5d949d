import assert from "node:assert/strict";
import { test } from "node:test";

import { LeftSingularVectors, singularValues } from "../../../../pipeline/report/scripts/descent/singular_values.js";

/** Columns of a matrix of numbers that are alike at every call. */
const columnsOf = (rows, columns) => Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(3 * i * i + 1));

/** Sum of the squares of numbers. */
const square = (numbers) => numbers.reduce((sum, number) => sum + number * number, 0);

test("a matrix with orthogonal columns has their lengths as singular values", () => {
  assert.deepEqual([...singularValues(Float64Array.from([0, 3, 0, 4, 0, 0, 0, 0, 0]), 3)], [4, 3, 0]);
});

for (const [rows, columns] of [[7, 7], [30, 6], [6, 30], [1, 4], [4, 1]]) {
  test(`${rows} rows and ${columns} columns: squares add up, and a vector is its parts and its remainder`, () => {
    const matrix = columnsOf(rows, columns);
    const vector = Float64Array.from({ length: rows }, (_, i) => Math.cos(i));
    const vectors = new LeftSingularVectors(matrix, rows);
    const [{ values }, { parts, remainder }] = [vectors, vectors.split(vector)];
    assert.equal(values.length, Math.min(rows, columns));
    assert.ok(Math.abs(square(values) / square(matrix) - 1) < 1e-14);
    assert.ok(Math.abs(square(parts) + remainder - square(vector)) < 1e-13);
    singularValues(matrix, rows).forEach((value, s) => assert.ok(Math.abs(value - values[s]) < 1e-13 * values[0]));
    // The part along a left singular vector times its value is as long as the columns say: |A^T v|^2 = sum (s part)^2.
    const products = Array.from({ length: columns }, (_, j) =>
      vector.reduce((sum, x, i) => sum + x * matrix[j * rows + i], 0));
    assert.ok(Math.abs(square(parts.map((part, s) => part * values[s])) / square(products) - 1) < 1e-12);
  });
}

test("what a matrix of rank 1 does not reach is in the remainder", () => {
  const matrix = Float64Array.from([1, 1, 0, 2, 2, 0, 3, 3, 0]);
  const vectors = new LeftSingularVectors(matrix, 3);
  const [{ values }, { parts, remainder }] = [vectors, vectors.split(Float64Array.from([1, 0, 5]))];
  assert.ok(Math.abs(values[0] - Math.sqrt(28)) < 1e-14);
  assert.ok(Math.abs(Math.abs(parts[0]) - Math.SQRT1_2) < 1e-14);
  assert.deepEqual([...parts.slice(1)], [0, 0]);
  assert.ok(Math.abs(remainder - 25.5) < 1e-13);
});

test("small singular values keep their digits where the scales of columns differ", () => {
  const values = singularValues(Float64Array.from([1, 1, 0, 1e-9, -1e-9, 0]), 3);
  assert.ok(Math.abs(values[1] / (Math.SQRT2 * 1e-9) - 1) < 1e-14);
});
