import assert from "node:assert/strict";
import { test } from "node:test";

import {
  bestSets,
  combinations,
  expectedScore,
  nearestSummands,
  score,
} from "../../../../pipeline/report/scripts/lecture/game_rules.js";

const three = { own: 3, add: 3, highestGoal: 27 }, six = { own: 6, add: 3, highestGoal: 27 };

test("combinations are all choices, each once and in order", () => {
  assert.deepEqual([...combinations([1, 2, 3], 2)], [[1, 2], [1, 3], [2, 3]]);
  assert.deepEqual([...combinations([1, 2], 0)], [[]]);
  assert.equal([...combinations([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 6)].length, 210);
});

test("the lecture's own cases have the scores that it gives", () => {
  assert.equal(score([3, 5, 9], 15, three), 1);
  assert.equal(score([3, 5, 9], 1, three), 1);
  assert.equal(score([0, 1, 2, 3, 4, 8], 5, six), 0);
  assert.equal(score([0, 1, 2, 3, 4, 8], 18, six), 3);
});

test("of equally near sums the one of fewest numbers is taken, and none for a goal nearest to 0", () => {
  assert.deepEqual(nearestSummands([1, 5, 9], 14, three), [5, 9]);
  assert.deepEqual(nearestSummands([5, 8, 9], 2, three), []);
});

test("the best three numbers miss a goal by 5/4 in the mean, the best six by 2/7", () => {
  assert.deepEqual(bestSets(three), [[5, 8, 9]]);
  assert.equal(expectedScore([5, 8, 9], three), 5 / 4);
  assert.equal(bestSets(six).length, 6);
  for (const owned of bestSets(six)) assert.equal(expectedScore(owned, six), 2 / 7);
});
