import assert from "node:assert/strict";
import { test } from "node:test";

import { readAddress, writeAddress } from "../../../../pipeline/report/scripts/explorer/address.js";
import {
  addressOf,
  cellNear,
  chosenBy,
  firstChoice,
  trialWithSeed,
} from "../../../../pipeline/report/scripts/explorer/choice.js";
import { curveContent, stepsOf, whyNoCurve } from "../../../../pipeline/report/scripts/explorer/step_content.js";
import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { packed, smallRun } from "./small_run.js";

const sweep = createSweep(smallRun());

test("the page begins with the best cell", () => {
  const { trial, step, shown } = firstChoice(sweep);
  assert.equal(sweep.cells.score[sweep.trials.cell[trial]], Math.min(...sweep.cells.score.filter(Number.isFinite)));
  assert.deepEqual([step, shown], [null, "test_error"]);
});

test("of cells that the error does not tell apart the page begins with the best of the best model, as the run names it", () => {
  const data = smallRun();
  data.cells.score = packed(
    "float32",
    Array.from({ length: 40 }, () => 0),
  );
  data.cells.best = packed(
    "uint8",
    Array.from({ length: 40 }, (_, cell) => (cell === 7 ? 3 : cell === 3 ? 2 : 0)),
  );
  assert.equal(firstChoice(createSweep(data)).trial, 14);
  data.cells.best = packed(
    "uint8",
    Array.from({ length: 40 }, () => 0),
  );
  assert.equal(firstChoice(createSweep(data)).trial, 0);
});

test("of the best cell the page begins with the first seed that is done", () => {
  const [first, second] = sweep.trialsOf(sweep.trials.cell[firstChoice(sweep).trial]), data = smallRun();
  for (const [gone, chosen] of [[[], first], [[first], second], [[first, second], first]]) {
    const failed = /** @type {number[]} */ (gone), status = Uint8Array.from(sweep.trials.status);
    for (const trial of failed) status[trial] = data.statuses.indexOf("failed");
    assert.equal(firstChoice(createSweep({ ...data, trials: { ...data.trials, status: packed("uint8", status) } })).trial, chosen);
  }
});

test("an address leads back to the choice that it was written of", () => {
  for (const trial of [0, 41, 79]) {
    const choice = { ...firstChoice(sweep), trial, step: 10, shown: "condition_number", curve: "test_error" };
    const { choice: found, faults } = chosenBy(sweep, readAddress(writeAddress(addressOf(sweep, choice))));
    assert.deepEqual(found, choice);
    assert.deepEqual(faults, []);
  }
});

test("an address of what is not there says so, and the page shows what it begins with", () => {
  const { choice, faults } = chosenBy(sweep, readAddress("#trial=ffff&map=beauty&curve=grace"));
  assert.deepEqual(choice, firstChoice(sweep));
  assert.equal(faults.length, 3);
  assert.match(faults[0], /no trial whose id begins with “ffff”/);
  assert.match(chosenBy(sweep, readAddress("#trial=00")).faults[0], /Several trials/);
});

test("a change of one axis keeps the others", () => {
  assert.equal(cellNear(sweep, 33, { model: 0 }), 13);
  assert.equal(cellNear(sweep, 33, { width: 0 }), 23);
  assert.equal(cellNear(sweep, 33, { rate: 0 }), 30);
  assert.equal(cellNear(sweep, 33, { model: 7 }), -1);
});

test("the seed stays where the other cell has it", () => {
  assert.equal(trialWithSeed(sweep, 33, 1), 67);
  assert.equal(trialWithSeed(sweep, 33, 8), 66);
});

test("the points stay too, where a seed has several samples of them", () => {
  const data = smallRun();
  data.trials.seed = packed("int32", new Array(80).fill(0));
  data.trials.data_seed = packed(
    "int32",
    Array.from({ length: 80 }, (_, trial) => trial % 2),
  );
  assert.equal(trialWithSeed(createSweep(data), 33, 1), 67);
});

test("an address of what every object has, or of what was never recorded, is told and does no harm", () => {
  const data = smallRun();
  for (const name of ["constructor", "__proto__", "condition_number"]) {
    delete data.trials.last.condition_number;
    const { choice, faults } = chosenBy(createSweep(data), readAddress(`#map=${name}&curve=${name}`));
    assert.deepEqual([choice.shown, choice.curve, faults.length], ["test_error", "loss", 2], name);
  }
});

test("bounds of what the trials do not differ in are told and left out", () => {
  const { choice, faults } = chosenBy(sweep, readAddress("#only=beauty:1..2&only=width:4..8"));
  assert.deepEqual(choice.bounds, { width: [4, 8] });
  assert.deepEqual(faults, ["The trials of this page do not differ in “beauty”."]);
});

test("a run of which nothing was recorded is explored all the same", () => {
  const data = { ...smallRun(), curves: {}, frames: [], predicted: null };
  data.trials.last = {};
  const empty = createSweep(data),
    { choice, faults } = chosenBy(empty, readAddress(""));
  assert.deepEqual([faults, choice.curve, stepsOf(empty, choice.trial, choice.curve)], [[], "", []]);
  const content = curveContent(empty, choice.trial, "", 0);
  assert.deepEqual(
    content.curves.filter(({ steps }) => steps.length),
    [],
  );
  assert.equal(whyNoCurve(empty, choice.trial, content), "Nothing of this trial was recorded on the way.");
});
