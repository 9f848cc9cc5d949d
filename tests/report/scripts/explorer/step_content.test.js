import assert from "node:assert/strict";
import { test } from "node:test";

import {
  atOtherRates,
  curveContent,
  placeOf,
  stepsOf,
} from "../../../../pipeline/report/scripts/explorer/step_content.js";
import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { smallRun } from "./small_run.js";

const sweep = createSweep(smallRun());

test("the training loss stands beside its prediction, other curves alone", () => {
  const kinds = (/** @type {number} */ trial, /** @type {string} */ name) =>
    curveContent(sweep, trial, name, 10)
      .curves.map(({ kind }) => kind)
      .filter((kind) => kind !== "other");
  assert.deepEqual(kinds(4, "loss"), ["measured", "predicted"]);
  assert.deepEqual(kinds(4, "test_error"), ["measured"]);
  assert.deepEqual(kinds(66, "loss"), ["measured"]);
});

test("below it are the trials that differ in the learning rate alone", () => {
  assert.deepEqual(atOtherRates(sweep, 5), [1, 3, 7, 9]);
  assert.equal(curveContent(sweep, 5, "loss", 10).curves.filter(({ kind }) => kind === "other").length, 4);
});

test("a curve ends where nothing more was recorded", () => {
  const [{ steps, values }] = curveContent(sweep, 8, "loss", 0).curves.filter(({ kind }) => kind === "measured");
  assert.deepEqual(
    [steps, values],
    [
      [0, 1, 10],
      [1, 10, Infinity],
    ],
  );
});

test("the slider goes through the fits, or else through what was recorded of the curve", () => {
  assert.deepEqual(stepsOf(sweep, 66, "loss"), [0, 1, 10, 100, 1000]);
  assert.deepEqual(stepsOf(sweep, 8, "loss"), [0, 1, 10]);
  assert.deepEqual(stepsOf(sweep, 8, "beauty"), []);
});

test("a step between two recorded ones is that before it", () => {
  assert.equal(placeOf([0, 1, 10, 100], 50), 2);
  assert.equal(placeOf([0, 1, 10, 100], null), 3);
  assert.equal(placeOf([5, 9], 1), 0);
  assert.equal(placeOf([], null), 0);
});
