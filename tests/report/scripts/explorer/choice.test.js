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
  assert.equal(trialWithSeed(sweep, 33, 9), 66);
});
