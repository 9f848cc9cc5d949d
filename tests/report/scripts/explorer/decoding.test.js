import assert from "node:assert/strict";
import { test } from "node:test";

import { decoded, rowsOf } from "../../../../pipeline/report/scripts/explorer/decoding.js";
import { bfloat16, packed } from "./small_run.js";

test("every type gives back the numbers that were packed", () => {
  for (const [type, values] of /** @type {[any, number[]][]} */ ([
    ["float64", [Math.PI, -0, NaN, Infinity, 5e-324]],
    ["float32", [1.5, -2.25, NaN]],
    ["int32", [-1, 2 ** 31 - 1]],
    ["int16", [-32768, 32767]],
    ["uint16", [0, 65535]],
    ["uint8", [0, 255]],
  ]))
    assert.deepEqual([...decoded(packed(type, values))], values);
});

test("bytes are little-endian, whatever the machine", () => {
  assert.deepEqual([...decoded({ type: "int16", shape: [2], base64: btoa("\x01\x00\x00\x80") })], [1, -32768]);
  assert.deepEqual(
    [...decoded({ type: "float64", shape: [1], base64: btoa("\x00\x00\x00\x00\x00\x00\xf0\x3f") })],
    [1],
  );
});

test("a bfloat16 is right to its seven digits, and infinity and nan are themselves", () => {
  const values = [1, 1 / 3, 1e30, 1e-30, Infinity, -Infinity, NaN],
    read = decoded(bfloat16(values, [7]));
  values.slice(0, 4).forEach((value, place) => assert.ok(Math.abs(read[place] / value - 1) < 1 / 128));
  assert.deepEqual([...read.slice(4)], values.slice(4));
});

test("numbers that are not as many as their shape says are refused", () => {
  assert.throws(
    () => decoded({ type: "float32", shape: [3], base64: btoa("12345678") }),
    /8 bytes are not 3 numbers of float32/,
  );
});

test("rows of a product of two matrices are those of the product", () => {
  const { rows, columns, row } = rowsOf({
    left: packed("float32", [1, 0.5, 0, -2], [2, 2]),
    right: packed("int16", [1, 2, 3, 4, 5, 6], [2, 3]),
  });
  assert.deepEqual([rows, columns], [2, 3]);
  assert.deepEqual([...row(0)], [3, 4.5, 6]);
  assert.deepEqual([...row(1)], [-8, -10, -12]);
});
