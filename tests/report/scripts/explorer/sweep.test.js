import assert from "node:assert/strict";
import { test } from "node:test";

import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { smallRun } from "./small_run.js";

const sweep = createSweep(smallRun());

test("a cell is found by what it is, and what was not trained is not", () => {
  assert.equal(sweep.cellAt(0, 1, 2, 3), 33);
  assert.equal(sweep.cellAt(0, 1, 2, -1), -1);
});

test("every trial is in its cell", () => {
  assert.deepEqual(sweep.trialsOf(33), [66, 67]);
  sweep.trials.id.forEach((_, trial) => assert.ok(sweep.trialsOf(sweep.trials.cell[trial]).includes(trial)));
});

test("a trial is named by the beginning of its id where no other begins so", () => {
  const id = sweep.trials.id[7];
  assert.equal(sweep.trialNamed(id), 7);
  assert.equal(sweep.trialNamed(id.slice(0, 8)), 7);
  assert.equal(sweep.trialNamed("0000"), -2);
  assert.equal(sweep.trialNamed("fff"), -1);
});

test("a curve is that of its trial", () => {
  const curve = sweep.curve("loss", 66);
  assert.equal(curve.length, 5);
  assert.equal(curve[0], 1);
  assert.ok(Math.abs(curve[4] / sweep.last("loss")[66] - 1) < 1 / 128);
});

test("frames are those of their trial, and of others there are none", () => {
  assert.deepEqual(sweep.framesOf(66)?.steps, [0, 1, 10, 100, 1000]);
  assert.ok(Math.abs((sweep.framesOf(66)?.fit?.(4)[0] ?? 0) - 1) < 1e-6);
  assert.equal(sweep.framesOf(67), null);
});

test("data of another version is refused", () => {
  assert.throws(() => createSweep(/** @type {any} */ ({ ...smallRun(), version: 9 })), /of version 9/);
  assert.throws(() => createSweep(/** @type {any} */ (null)), /of version undefined/);
});
