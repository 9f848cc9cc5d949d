import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOf, rateInWords } from "../../../../pipeline/report/scripts/playground/rate_slider.js";

test("rates stand by their logarithm, and those beyond the slider at its ends", () => {
  assert.deepEqual([1e-9, 1e-4, 0.1, 100, 1e9].map(placeOf), [0, 0, 0.5, 1, 1]);
});

test("a rate is told beside the largest stable one, where there is one", () => {
  assert.equal(rateInWords(0.3, 0.2), "0.3, 1.5 times the largest stable rate");
  assert.equal(rateInWords(0.3, null), "0.3");
});
