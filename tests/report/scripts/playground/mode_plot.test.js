import assert from "node:assert/strict";
import { test } from "node:test";

import { modesInWords } from "../../../../pipeline/report/scripts/playground/mode_plot.js";

test("modes are told by how many grow", () => {
  const [slow, fast] = [{ eigenvalue: 0.1, factor: 0.95 }, { eigenvalue: 2, factor: 1.2 }];
  assert.equal(modesInWords([slow, fast]), "A step multiplies the modes by up to 1.2: 1 of 2 modes grow.");
  assert.equal(modesInWords([slow]), "A step multiplies the modes by up to 0.95: all 1 modes shrink.");
  assert.equal(modesInWords([]), "Nothing is drawn yet.");
});
