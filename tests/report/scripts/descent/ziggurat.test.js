import assert from "node:assert/strict";
import { test } from "node:test";

import { RandomStream } from "../../../../pipeline/report/scripts/descent/random_stream.js";

test("normal numbers have the moments of the normal distribution, and some lie in the tail beyond the layers", () => {
  const numbers = new RandomStream("moments").standardNormal(60000);
  const moment = (power) => numbers.reduce((sum, x) => sum + x ** power, 0) / numbers.length;
  assert.ok(Math.abs(moment(1)) < 0.02);
  assert.ok(Math.abs(moment(2) - 1) < 0.03);
  assert.ok(Math.abs(moment(4) - 3) < 0.2);
  assert.ok(numbers.some((x) => Math.abs(x) > 3.6541528853610088));
});
