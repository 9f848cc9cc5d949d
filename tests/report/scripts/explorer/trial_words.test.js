import assert from "node:assert/strict";
import { test } from "node:test";

import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { numbersOf, titleOf, verdictOf } from "../../../../pipeline/report/scripts/explorer/trial_words.js";
import { packed, smallRun } from "./small_run.js";

const sweep = createSweep(smallRun());

test("titles tell all trials apart", () => {
  assert.equal(titleOf(sweep, 8), "linear(chebyshev), width 4, learning rate 2, seed 0");
  assert.equal(new Set(sweep.trials.id.map((_, trial) => titleOf(sweep, trial))).size, 80);
});

test("titles tell problems apart, and rates that three digits do not", () => {
  const data = { ...smallRun(), rates: [0.10001, 0.10002, 0.5, 1, 2] };
  data.problems = [data.problems[0], { ...data.problems[0], label: "sine" }];
  const near = createSweep(data);
  assert.match(titleOf(near, 0), /^[^,]+, linear\(chebyshev\), width 4, learning rate 0.10001, seed 0$/);
  assert.equal(new Set(near.trials.id.map((_, trial) => titleOf(near, trial))).size, 80);
  assert.equal(new Map(numbersOf(near, 0)).get("learning rate"), "0.10001");
});

test("numbers say how a trial ended, and nothing of what was not recorded", () => {
  const numbers = new Map(numbersOf(sweep, 66));
  assert.equal(numbers.get("status"), "done at step 1000");
  assert.deepEqual([...numbers.keys()], ["status", "learning rate", "training loss", "test error"]);
  assert.equal(new Map(numbersOf(sweep, 8)).get("predicted largest stable rate"), "0.7");
  const data = { ...smallRun(), rate_title: "learning rate / predicted limit" };
  assert.ok(!new Map(numbersOf(createSweep(data), 8)).has("predicted largest stable rate"));
});

test("the limit of a network is that of its own weights, that of a linear model holds for all of a cell", () => {
  const data = smallRun(),
    limits = new Float32Array(80).fill(NaN);
  limits[66] = 2.5;
  data.trials.limit = packed("float32", limits);
  data.cells.limit = packed("float32", new Array(40).fill(3));
  const limitOf = (/** @type {number} */ trial) =>
    new Map(numbersOf(createSweep(data), trial)).get("predicted largest stable rate");
  assert.deepEqual([limitOf(66), limitOf(67), limitOf(8)], ["2.5", undefined, "3"]);
});

test("of a greedy model the functions are listed that it took", () => {
  const data = smallRun();
  data.frames[0].atoms = [0, 7, 3];
  assert.equal(new Map(numbersOf(createSweep(data), data.frames[0].trial)).get("functions taken, in order"), "0, 7, 3");
});

test("a verdict stands with its grounds, and where there is none it is empty", () => {
  assert.deepEqual(verdictOf(sweep, 8), { verdict: "agrees", grounds: " (grew above the limit)" });
  assert.deepEqual(verdictOf(sweep, 66), { verdict: "", grounds: "" });
  const data = smallRun();
  [data.verdicts[0], data.grounds[0]] = ["still moving", "still moving after 1000 steps"];
  assert.deepEqual(verdictOf(createSweep(data), 8), { verdict: "still moving", grounds: " after 1000 steps" });
});
