import assert from "node:assert/strict";
import { test } from "node:test";

import { HIGHEST, LOWEST, placeOf, rateInWords, sliderEnds } from "../../../../pipeline/report/scripts/playground/rate_slider.js";

test("the slider reaches past the largest stable rate on both sides, and never gets shorter or endless", () => {
  const usual = [LOWEST, HIGHEST];
  assert.deepEqual(sliderEnds(null, usual), usual);
  assert.deepEqual(sliderEnds(0.3, usual), usual);
  assert.deepEqual(sliderEnds(178, usual), [LOWEST, 3]);
  assert.deepEqual(sliderEnds(2e-5, usual), [-6, HIGHEST]);
  assert.deepEqual(sliderEnds(1, [-6, 5]), [-6, 5]);
  assert.deepEqual(sliderEnds(1e300, usual), [LOWEST, 12]);
});

test("rates stand by their logarithm, and those beyond the slider at its ends", () => {
  assert.deepEqual([1e-9, 1e-4, 0.1, 100, 1e9].map((rate) => placeOf(rate)), [0, 0, 0.5, 1, 1]);
});

test("a rate is told beside the largest stable one, where there is one", () => {
  assert.equal(rateInWords(0.3, 0.2), "0.3, 1.5 times the largest stable rate");
  assert.equal(rateInWords(0.3, null), "0.3");
});
