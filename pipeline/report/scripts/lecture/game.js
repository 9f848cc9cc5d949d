/**
 * A whole number game: its rounds, of which one is being played, and what is said of it in words.
 *
 * @typedef {import("../lecture/game_rules.js").GameRules} GameRules
 * @typedef {import("../lecture/game_round.js").Round} Round
 * @typedef {{rounds: Round[], at: number}} Game
 */

import { bestSets, expectedScore, score, sum } from "../lecture/game_rules.js";
import { added, begun, currentGoal, drawGoals, isOver, newRound, toggled, total } from "../lecture/game_round.js";

/**
 * First three numbers are owned, then six; never more than three are added up.
 * @type {readonly GameRules[]}
 */
export const ROUNDS = [
  { own: 3, add: 3, highestGoal: 27 },
  { own: 6, add: 3, highestGoal: 27 },
];

/**
 * @param {() => number} random from 0 to below 1
 * @returns {Game}
 */
export function newGame(random) {
  return { rounds: ROUNDS.map((rules) => newRound(rules, drawGoals(rules.highestGoal, random))), at: 0 };
}

/**
 * The round that is being played.
 * @param {Game} game
 * @returns {Round}
 */
export function roundOf(game) {
  return game.rounds[game.at];
}

/**
 * Whether both rounds are over.
 * @param {Game} game
 * @returns {boolean}
 */
export function isEnded(game) {
  return game.rounds.every(isOver);
}

/**
 * The game with a number taken or given back.
 * @param {Game} game
 * @param {number} number
 * @returns {Game}
 */
export function withNumber(game, number) {
  return withRound(game, toggled(roundOf(game), number));
}

/**
 * The game one move further: the goals begin, the chosen numbers are added up, or the next round begins.
 * @param {Game} game
 * @returns {Game}
 */
export function further(game) {
  const round = roundOf(game);
  if (isOver(round)) return { ...game, at: Math.min(game.at + 1, game.rounds.length - 1) };
  return withRound(game, round.begun ? added(round) : begun(round));
}

/**
 * What the next move is called, and whether it can be made; no name after the end.
 * @param {Game} game
 * @returns {{name: string, possible: boolean}}
 */
export function nextMove(game) {
  const round = roundOf(game);
  if (isEnded(game)) return { name: "", possible: false };
  if (isOver(round)) return { name: "Next round", possible: true };
  if (!round.begun) return { name: "Own these", possible: round.owned.length === round.rules.own };
  return { name: round.chosen.length ? "Add these up" : "Add up none", possible: true };
}

/**
 * What is to be done now.
 * @param {Game} game
 * @returns {string}
 */
export function instruction(game) {
  const round = roundOf(game), { own, add, highestGoal } = round.rules;
  if (isEnded(game)) return "That was the game.";
  const place = `Round ${game.at + 1} of ${game.rounds.length}.`;
  if (!round.begun) return `${place} Choose ${own} numbers to own. Goals from 0 to ${highestGoal} will come.`;
  const goal = currentGoal(round);
  if (goal === undefined) return `${place} You were ${total(round)} away in all.`;
  return `${place} The goal is ${goal}. Add up at most ${add} of your numbers ${listed(round.owned)}.`;
}

/**
 * What came of each goal that was played, in words.
 * @param {Round} round
 * @returns {string[]}
 */
export function told(round) {
  return round.played.map(({ goal, chosen, away, nearest }) => {
    const better = Math.abs(goal - sum(nearest)) < away ? ` ${asSum(nearest)} is nearer.` : "";
    return `Goal ${goal}: ${asSum(chosen)} is ${away} away.${better}`;
  });
}

/**
 * How the numbers that were owned compare with the best, in words; for a round that is over.
 * @param {Round} round
 * @returns {string}
 */
export function comparison(round) {
  const { rules, owned, goals } = round;
  const best = bestSets(rules);
  const onGoals = best.map((numbers) => sum(goals.map((goal) => score(numbers, goal, rules))));
  const place = onGoals.indexOf(Math.min(...onGoals));
  const others = best.length > 1 ? `, one of ${best.length} sets as good,` : "";
  return (
    `With ${rules.own} numbers you were ${total(round)} away in all. Yours can do ` +
    `${expectedScore(owned, rules).toFixed(2)} a goal in the mean. The best, ${listed(best[place])}${others} ` +
    `can do ${expectedScore(best[place], rules).toFixed(2)}, and ${onGoals[place]} on your goals.`
  );
}

/**
 * Such as "3 + 5 = 8".
 * @param {readonly number[]} numbers
 * @returns {string}
 */
export function asSum(numbers) {
  return numbers.length > 1 ? `${numbers.join(" + ")} = ${sum(numbers)}` : String(sum(numbers));
}

/**
 * Such as "3, 5 and 9".
 * @param {readonly number[]} numbers
 * @returns {string}
 */
export function listed(numbers) {
  return numbers.length < 2 ? numbers.join() : `${numbers.slice(0, -1).join(", ")} and ${numbers[numbers.length - 1]}`;
}

/**
 * @param {Game} game
 * @param {Round} round
 * @returns {Game}
 */
function withRound(game, round) {
  return { ...game, rounds: game.rounds.map((other, place) => (place === game.at ? round : other)) };
}
