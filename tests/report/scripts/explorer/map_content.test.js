import assert from "node:assert/strict";
import { test } from "node:test";

import { mapOf } from "../../../../pipeline/report/scripts/explorer/map_content.js";
import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { packed, smallRun } from "./small_run.js";

const sweep = createSweep(smallRun());

test("widths go to the right and learning rates up", () => {
  const { map, cells } = mapOf(sweep, 0, 0, "test_error");
  assert.deepEqual(map.widths, ["4", "8", "16", "32"]);
  assert.deepEqual(map.rates, ["2", "1", "0.5", "0.1", "0.01"]);
  assert.equal(cells[0][3], sweep.cellAt(0, 0, 3, 4));
});

test("a cell whose trials all diverged has a cross and no colour", () => {
  const { map } = mapOf(sweep, 0, 0, "test_error");
  assert.deepEqual([map.cells[0][0]?.fraction, map.cells[0][0]?.diverged], [null, 1]);
  assert.equal(map.cells[2][0]?.diverged, 0);
  assert.ok((map.cells[4][0]?.fraction ?? 0) > (map.cells[2][0]?.fraction ?? 1));
});

test("where no cell has a number there is no scale of colours, and the map says why", () => {
  const all = (/** @type {number} */ value) => Array.from({ length: 40 }, () => value);
  const ofModel = (/** @type {number} */ value, /** @type {number} */ ended, /** @type {number} */ diverged) => {
    const data = smallRun();
    data.cells.score = packed("float32", all(value));
    data.cells.ended = packed("int32", all(ended));
    data.cells.diverged = packed("int32", all(diverged));
    const { ends, nothing } = mapOf(createSweep(data), 0, 1, "test_error").map;
    assert.equal(ends, null);
    return nothing;
  };
  assert.equal(ofModel(NaN, 2, 2), "every trial diverged");
  assert.equal(ofModel(NaN, 1, 1), "every trial that has ended diverged");
  assert.equal(ofModel(NaN, 2, 1), "test error is not recorded for this model");
  assert.equal(ofModel(NaN, 0, 0), "no trial has a result yet");
  assert.equal(ofModel(Infinity, 2, 0), "test error is infinite wherever it is recorded");
});

test("of a number that one model alone has, the map of another says that it is not recorded for it", () => {
  const { map } = mapOf(sweep, 0, 1, "condition_number");
  assert.deepEqual([map.ends, map.nothing], [null, "condition number is not recorded for this model"]);
  assert.match(map.cells[4][0]?.words ?? "", /: condition number not recorded$/);
});

test("a model that was not trained on a problem has not diverged on it", () => {
  const data = smallRun();
  data.problems.push(data.problems[0]);
  const { map } = mapOf(createSweep(data), 1, 0, "test_error");
  assert.deepEqual([map.ends, map.nothing], [null, "not trained on this problem"]);
});

test("one cell of each model is the best, and it is the brightest but for the lowest twentieth", () => {
  for (const model of [0, 1]) {
    const best = mapOf(sweep, 0, model, "test_error")
      .map.cells.flat()
      .filter((cell) => cell?.isBest);
    assert.equal(best.length, 1);
  }
});

test("the predicted limit lies between the rates that converge and those that diverge", () => {
  const { map } = mapOf(sweep, 0, 0, "loss");
  for (const height of map.limits) assert.ok(height !== null && height > 2.5 && height < 3.5);
  assert.deepEqual(mapOf(sweep, 0, 1, "loss").map.limits, [null, null, null, null]);
});

test("a cell is read out with its numbers, what diverged and the verdict", () => {
  const { map } = mapOf(sweep, 0, 0, "test_error");
  assert.equal(map.cells[0][0]?.words, "width 4, learning rate 2: no test error, 2 of 2 diverged, theory: agrees");
  assert.match(map.cells[4][0]?.words ?? "", /^width 4, learning rate 0.01: test error 0\.\d+, theory: agrees$/);
});

test("a cell says how many of its trials failed or have not ended, and every verdict of its seeds", () => {
  const data = smallRun(),
    sweepOf = (/** @type {number[]} */ status) => {
      data.trials.status = packed("uint8", status);
      return createSweep(data);
    };
  const wordsOf = (/** @type {number[]} */ status) =>
    mapOf(sweepOf([...status, ...new Array(78).fill(0)]), 0, 0, "test_error").map.cells[4][0]?.words ?? "";
  assert.match(wordsOf([2, 2]), /, failed, theory/);
  assert.match(wordsOf([0, 2]), /, 1 failed, theory/);
  assert.match(wordsOf([3, 3]), /, not ended yet, theory/);
  assert.match(wordsOf([3, 2]), /, 1 failed, 1 not ended yet, theory/);
  data.statuses.push("unreadable");
  assert.match(wordsOf([4, 4]), /, cannot be read, theory/);
  assert.match(wordsOf([4, 0]), /, 1 cannot be read, theory/);
  data.verdicts.push("contradicts");
  const verdicts = Int32Array.from(sweep.trials.verdict);
  verdicts[1] = data.verdicts.length - 1;
  data.trials.verdict = packed("int32", verdicts);
  assert.match(wordsOf([0, 0]), /theory: agrees \(1\), contradicts \(1\)$/);
});

test("rates that three digits do not tell apart have rows of their own names", () => {
  const data = { ...smallRun(), rates: [0.10001, 0.10002, 0.5, 1, 2] };
  assert.deepEqual(mapOf(createSweep(data), 0, 0, "loss").map.rates, ["2", "1", "0.5", "0.10002", "0.10001"]);
});

test("of any other diagnostic the map shows the median over the trials that are done", () => {
  const { map } = mapOf(sweep, 0, 0, "condition_number");
  assert.deepEqual([map.ends, map.cells[0][0]?.fraction, map.cells[4][3]?.fraction], [["4", "32"], null, 1]);
});

test("what a solver found stands in a row below all rates, and the limit above it", () => {
  const data = smallRun();
  data.cells.rate = packed(
    "int32",
    Array.from({ length: 40 }, (_, cell) => (cell % 5) - 1),
  );
  const { map } = mapOf(createSweep(data), 0, 0, "loss");
  assert.deepEqual(map.rates, ["1", "0.5", "0.1", "0.01", "solver"]);
  for (const height of map.limits) assert.ok(height !== null && height > 3.5 && height < 4.5);
});
