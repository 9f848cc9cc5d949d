import assert from "node:assert/strict";
import { test } from "node:test";

import { fitOf, unitWords, whyNoFit, whyNoPoints } from "../../../../pipeline/report/scripts/explorer/fit_content.js";
import { stepsOf } from "../../../../pipeline/report/scripts/explorer/step_content.js";
import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { packed, smallRun } from "./small_run.js";

const sweep = createSweep(smallRun());
const lineOf = (/** @type {number} */ trial, /** @type {number | null} */ step) => {
  const fit = fitOf(sweep, trial, step);
  assert.ok("line" in fit);
  return fit.line;
};

test("the fit moves with the step, and target and points stay", () => {
  const first = lineOf(66, 0),
    last = lineOf(66, null);
  assert.ok(Math.max(...Array.from(first.fit?.y ?? [])) === 0);
  assert.ok(Math.abs((last.fit?.y[0] ?? 0) - 1) < 1e-6);
  assert.deepEqual(first.truth, last.truth);
  assert.equal(first.points?.x.length, 6);
});

test("units of a network stand where they bend, and a linear model has none", () => {
  assert.equal(lineOf(66, null).kinks?.length, 16);
  assert.equal(lineOf(4, null).kinks, undefined);
});

test("a mark is a kink where there is one, and the middle of a unit where it is smooth", () => {
  const data = smallRun();
  data.models[1] = { ...data.models[1], activation: "tanh", kinked: false };
  assert.equal(unitWords(sweep, 66), "where a unit bends");
  assert.equal(unitWords(createSweep(data), 66), "middle of a unit");
  assert.equal(unitWords(sweep, 4), "where the basis bends");
});

test("points that a trial was not trained on are not drawn beside it, and that is said", () => {
  const data = smallRun(),
    own = new Uint8Array(80).fill(1);
  own[67] = 0;
  data.trials.own_points = packed("uint8", own);
  const others = createSweep(data),
    fit = fitOf(others, 67, null);
  assert.ok("line" in fit);
  assert.deepEqual([fit.line.points, fit.line.truth?.x.length], [undefined, 41]);
  assert.match(whyNoPoints(others, 67), /not drawn/);
  assert.equal(whyNoPoints(others, 66), "");
});

test("without a recorded fit there is the target, and a sentence that says why", () => {
  assert.equal(lineOf(67, null).fit, undefined);
  assert.match(whyNoFit(sweep, 67, null), /recorded of seed 0/);
  const data = smallRun();
  data.trials.seed = packed("int32", new Array(80).fill(0));
  data.trials.data_seed = packed(
    "int32",
    Array.from({ length: 80 }, (_, trial) => 5 + (trial % 2)),
  );
  assert.match(whyNoFit(createSweep(data), 67, null), /recorded of points 5; these are other points/);
  assert.match(whyNoFit(sweep, 2, null), /was not recorded on the way/);
  const pending = smallRun();
  pending.trials.status = packed("uint8", new Array(80).fill(3));
  assert.match(whyNoFit(createSweep(pending), 2, null), /has not been recorded yet/);
  pending.statuses[3] = "unreadable";
  assert.match(whyNoFit(createSweep(pending), 2, null), /cannot be read/);
  assert.equal(whyNoFit(sweep, 66, null), "");
});

test("a fit that was kept at the end alone is shown at the last step, and the slider goes through the curve", () => {
  const data = smallRun(), whole = data.frames[sweep.cells.frames[sweep.trials.cell[66]]];
  const row = packed("float32", [1], [1, 1]), one = { ...whole, trial: 67, steps: packed("int32", [1000]), fit: { ...whole.fit, left: row } };
  const ended = createSweep({ ...data, frames: [...data.frames.filter((frames) => frames !== whole), one] });
  const of = (/** @type {number | null} */ step) => /** @type {any} */ (fitOf(ended, 67, step)).line;
  assert.ok(of(null).fit);
  assert.equal(of(10).fit, undefined);
  assert.equal(of(10).kinks, undefined);
  assert.deepEqual(stepsOf(ended, 67, "loss"), [0, 1, 10, 100, 1000]);
  assert.equal(whyNoFit(ended, 67, null), "");
  assert.match(whyNoFit(ended, 67, 10), /at its last step alone/);
  assert.match(whyNoFit(ended, 66, null), /The fit at the end was recorded of seed 1/);
});

test("a problem whose fit cannot be drawn says why", () => {
  const data = smallRun();
  data.problems[0] = { ...data.problems[0], grid: null, points: null, targets: null, sentence: "It has 64 inputs." };
  assert.deepEqual(fitOf(createSweep(data), 66, null), { sentence: "It has 64 inputs." });
});

test("of labels the threshold of a yes is zero, for what is to be learned as for the output", () => {
  const data = smallRun();
  data.problems[0] = { ...data.problems[0], task: "labels" };
  const fit = fitOf(createSweep(data), 66, null);
  assert.ok("line" in fit);
  assert.deepEqual([fit.line.truth?.y[0], fit.line.truth?.y[20]], [0.5, -0.5]);
  assert.ok(Math.abs((fit.line.points?.y[0] ?? 0) - 0.4) < 1e-6);
});

test("two inputs are drawn over the plane, with the lines where units bend", () => {
  const data = smallRun(),
    side = packed("float32", [-1, 1]);
  data.problems[0] = {
    ...data.problems[0],
    inputs: 2,
    grid: { x: side, y: side, truth: packed("float32", [0, 1, 1, 0]) },
    points: packed("float32", [-1, 1, 1, -1], [2, 2]),
    targets: packed("float32", [0, 1]),
  };
  const fit = fitOf(createSweep(data), 66, null);
  assert.ok("plane" in fit);
  assert.deepEqual([fit.plane.range, fit.plane.ends, fit.plane.units?.length], [[0, 1], [-1, 1], 16]);
  assert.deepEqual(
    [[...(fit.plane.points?.x ?? [])], [...(fit.plane.points?.y ?? [])]],
    [
      [-1, 1],
      [1, -1],
    ],
  );
});

test("the plane is as wide as the input that goes further, so that all points are on it", () => {
  const data = smallRun();
  data.problems[0] = {
    ...data.problems[0],
    inputs: 2,
    grid: { x: packed("float32", [-1, 1]), y: packed("float32", [-3, 7]), truth: null },
    points: packed("float32", [-1, 8, 1, -3], [2, 2]),
    targets: packed("float32", [0, 1]),
  };
  const fit = fitOf(createSweep(data), 66, null);
  assert.ok("plane" in fit);
  assert.deepEqual(fit.plane.ends, [-3, 8]);
});
