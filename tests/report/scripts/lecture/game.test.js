import assert from "node:assert/strict";
import { test } from "node:test";

import {
  comparison,
  further,
  instruction,
  isEnded,
  listed,
  newGame,
  nextMove,
  roundOf,
  told,
  withNumber,
} from "../../../../pipeline/report/scripts/lecture/game.js";

/** @typedef {import("../../../../pipeline/report/scripts/lecture/game.js").Game} Game */

/**
 * A game whose goals are all 14.
 * @returns {Game}
 */
const fourteen = () => newGame(() => 0.5);

/**
 * @param {Game} game
 * @param {...number} numbers
 */
const take = (game, ...numbers) => numbers.reduce(withNumber, game);

test("goals lie between 0 and the highest, both included", () => {
  assert.deepEqual(newGame(() => 0).rounds[0].goals, [0, 0, 0]);
  assert.deepEqual(newGame(() => 1 - 2 ** -53).rounds[1].goals, [27, 27, 27]);
});

test("no more numbers are owned than the rules say, and one taken twice is given back", () => {
  let game = take(fourteen(), 9, 3, 5, 7);
  assert.deepEqual(roundOf(game).owned, [3, 5, 9]);
  game = take(game, 5, 1);
  assert.deepEqual(roundOf(game).owned, [1, 3, 9]);
});

test("goals come only when all numbers are owned", () => {
  const game = take(fourteen(), 1, 2);
  assert.equal(nextMove(game).possible, false);
  assert.equal(roundOf(further(game)).begun, false);
  assert.match(instruction(further(take(game, 3))), /^Round 1 of 2\. The goal is 14\./);
});

test("only numbers that are owned are added up, and a nearer sum is told where there is one", () => {
  let game = further(take(fourteen(), 3, 5, 9));
  game = further(take(game, 3, 5, 8));
  assert.deepEqual(told(roundOf(game)), ["Goal 14: 3 + 5 = 8 is 6 away. 5 + 9 = 14 is nearer."]);
  game = further(take(game, 9, 5));
  assert.equal(told(roundOf(game))[1], "Goal 14: 5 + 9 = 14 is 0 away.");
  assert.equal(told(roundOf(further(game)))[2], "Goal 14: 0 is 14 away. 5 + 9 = 14 is nearer.");
});

test("a game ends after two rounds, and each is compared with the best numbers", () => {
  let game = fourteen();
  for (const numbers of [[5, 8, 9], [1, 2, 4, 7, 8, 9]]) {
    game = further(take(game, ...numbers));
    for (let goal = 0; goal < 3; goal++) game = further(take(game, 5, 9));
    if (!isEnded(game)) game = further(game);
  }
  assert.equal(isEnded(game), true);
  assert.equal(nextMove(game).name, "");
  assert.match(comparison(game.rounds[0]), /^With 3 numbers you were 0 away in all\. Yours can do 1\.25 /);
  assert.match(comparison(game.rounds[1]), /one of 6 sets as good, can do 0\.29, and 0 on your goals\.$/);
});

test("numbers are listed as one says them", () => {
  assert.deepEqual([[], [3], [3, 5, 9]].map(listed), ["", "3", "3, 5 and 9"]);
});
