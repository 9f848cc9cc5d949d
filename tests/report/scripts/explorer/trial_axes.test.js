import assert from "node:assert/strict";
import { test } from "node:test";

import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import {
  axesOf,
  fractionOn,
  sortedBy,
  thinned,
  valueOn,
  within,
  wordsOn,
} from "../../../../pipeline/report/scripts/explorer/trial_axes.js";
import { packed, smallRun } from "./small_run.js";

const axes = axesOf(createSweep(smallRun()));
const axis = (/** @type {string} */ name) => axes.find((one) => one.name === name) ?? assert.fail(name);

test("an axis stands for everything in which trials differ, and for nothing else", () => {
  assert.deepEqual(
    axes.map(({ name }) => name),
    ["model", "width", "rate", "seed", "test_error", "loss", "condition_number", "status"],
  );
});

test("a value and its place on an axis lead to each other", () => {
  for (const { least, greatest, ...rest } of axes) {
    const one = { least, greatest, ...rest };
    assert.ok(Math.abs(fractionOn(one, least)) < 1e-12 && Math.abs(fractionOn(one, greatest) - 1) < 1e-12);
    assert.deepEqual(
      [valueOn(one, 0), valueOn(one, 1), valueOn(one, -3), valueOn(one, 3)],
      [least, greatest, least, greatest],
    );
  }
  assert.ok(Math.abs(fractionOn(axis("rate"), valueOn(axis("rate"), 0.4)) - 0.4) < 1e-3);
});

test("whole numbers of an axis are said in full, and rates in as many digits as tell them apart", () => {
  const data = { ...smallRun(), widths: [4, 8, 16, 1025], seeds: [1, 20261130], rates: [0.10001, 0.10002, 0.5, 1, 2] };
  const ends = axesOf(createSweep(data)).map((one) => [one.name, wordsOn(one, one.least), wordsOn(one, one.greatest)]);
  assert.deepEqual(ends.slice(1, 4), [
    ["width", "4", "1025"],
    ["rate", "0.10001", "2"],
    ["seed", "1", "20261130"],
  ]);
});

test("a drag to the foot of a logarithmic axis keeps what lies there: zeros too", () => {
  const data = smallRun(),
    losses = Float32Array.from(createSweep(data).last("loss"));
  losses[66] = 0;
  data.trials.last.loss = packed("float32", losses);
  const all = axesOf(createSweep(data)),
    loss = all.find(({ name }) => name === "loss") ?? assert.fail();
  assert.equal(fractionOn(loss, 0), 0);
  assert.ok(within(all, { loss: [valueOn(loss, 0), valueOn(loss, 0.5)] }).includes(66));
});

test("what diverged stands above the axis", () => {
  assert.ok(fractionOn(axis("loss"), Infinity) > 1);
  assert.equal(axis("loss").values[8], Infinity);
});

test("bounds keep the trials between them on every axis, ends included", () => {
  assert.equal(within(axes, {}).length, 80);
  assert.equal(within(axes, { width: [8, 16] }).length, 40);
  assert.deepEqual(within(axes, { width: [8, 8], rate: [1, 1], model: [1, 1] }), [56, 57]);
  assert.equal(within(axes, { loss: [0, 1e9] }).length, 64);
  assert.equal(within(axes, { beauty: [0, 1] }).length, 80);
});

test("trials are sorted by an axis either way, those without a value last", () => {
  const some = [0, 2, 4, 79],
    { values } = axis("condition_number");
  assert.deepEqual(sortedBy(some, axis("rate"), false), [0, 2, 4, 79]);
  assert.deepEqual(sortedBy(some, axis("rate"), true), [79, 4, 2, 0]);
  assert.ok(Number.isNaN(values[79]));
  assert.equal(sortedBy(some, axis("condition_number"), true).at(-1), 79);
});

test("many trials are thinned evenly, few are not", () => {
  assert.deepEqual(thinned([0, 1, 2, 3, 4, 5], 3), [0, 2, 4]);
  assert.deepEqual(thinned([0, 1], 3), [0, 1]);
});

test("a value is said in words where words stand for it", () => {
  assert.equal(wordsOn(axis("model"), 1), "shallow(relu)");
  assert.equal(wordsOn(axis("rate"), 0.01), "0.01");
  assert.equal(wordsOn(axis("condition_number"), NaN), "");
});
