import assert from "node:assert/strict";
import { test } from "node:test";

import { inWords } from "../../../../pipeline/report/scripts/lecture/dictionary.js";

test("errors are told beside those of as many first terms, and rounding is none", () => {
  assert.equal(inWords(2, 1e-16, 0.269), "2 terms leave no error; the first 2 leave an error of 0.269.");
  assert.equal(inWords(1, 0.5, 0.25), "1 term leaves an error of 0.5; the first one leaves an error of 0.25.");
  assert.equal(inWords(0, 1, 1), "No terms leave an error of 1.");
});
