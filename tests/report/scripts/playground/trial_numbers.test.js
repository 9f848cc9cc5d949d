import assert from "node:assert/strict";
import { test } from "node:test";

import { numbersOf } from "../../../../pipeline/report/scripts/playground/trial_numbers.js";

const STARTED = { isLinear: true, rate: 0.5, limit: 1, condition: 30, bound: 4, id: "ab".repeat(32) };

test("numbers of a linear model are beside those that theory predicts", () => {
  const numbers = new Map(numbersOf({ started: STARTED, frame: { step: 10, predicted: 0.5, weights: [] }, losses: { values: [0.5] } }));
  assert.equal(numbers.get("training loss"), "0.5");
  assert.equal(numbers.get("predicted loss"), "0.5");
  assert.equal(numbers.get("rate / limit"), "0.5");
  assert.equal(numbers.get("condition number κ of the features"), "30");
  assert.equal(numbers.has("largest stable sharpness"), false);
});

test("of a network the limit moves, and sharpness stands beside 2 / rate", () => {
  const frame = { step: 3, limit: 0.25, sharpness: 8, weights: [1, 2] };
  const numbers = new Map(numbersOf({ started: { ...STARTED, isLinear: false }, frame, losses: { values: [] } }));
  assert.equal(numbers.get("rate / limit"), "2");
  assert.equal(numbers.get("sharpness λ"), "8");
  assert.equal(numbers.get("largest stable sharpness"), "4");
  assert.equal(numbers.has("training loss"), false);
});

test("of a greedy model the functions are named that it has chosen, the first of many", () => {
  const named = (atoms) => new Map(numbersOf({ started: { ...STARTED, atoms }, frame: null, losses: { values: [] } }));
  assert.equal(named([0, 10]).get("functions chosen, counted from 0"), "0, 10");
  assert.equal(named([9, 8, 7, 6, 5, 4, 3, 2, 1]).get("functions chosen, counted from 0"), "9, 8, 7, 6, 5, 4, 3, 2, …");
  assert.equal(named(null).size, named(undefined).size);
});
