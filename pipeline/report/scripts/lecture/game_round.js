/**
 * One round of the number game as it stands: a value that each move makes anew.
 *
 * @typedef {import("../lecture/game_rules.js").GameRules} GameRules
 * @typedef {{goal: number, chosen: number[], away: number, nearest: number[]}} Played A goal that was played: the numbers
 * that were added up, their distance from it, and the numbers that are nearest.
 * @typedef {{rules: GameRules, owned: number[], begun: boolean, chosen: number[], goals: number[], played: Played[]}} Round
 */

import { nearestSummands, sum } from "../lecture/game_rules.js";

/** Goals of a round. */
export const GOALS_OF_A_ROUND = 3;

/**
 * A round in which nothing is owned yet.
 * @param {GameRules} rules
 * @param {readonly number[]} goals
 * @returns {Round}
 */
export function newRound(rules, goals) {
  return { rules, owned: [], begun: false, chosen: [], goals: [...goals], played: [] };
}

/**
 * Goals drawn at random, all equally likely.
 * @param {number} highest
 * @param {() => number} random from 0 to below 1
 * @returns {number[]}
 */
export function drawGoals(highest, random) {
  return Array.from({ length: GOALS_OF_A_ROUND }, () => Math.floor(random() * (highest + 1)));
}

/**
 * The goal that is to be reached now; undefined before the round and after it.
 * @param {Round} round
 * @returns {number | undefined}
 */
export function currentGoal(round) {
  return round.begun ? round.goals[round.played.length] : undefined;
}

/**
 * Whether every goal was played.
 * @param {Round} round
 * @returns {boolean}
 */
export function isOver(round) {
  return round.begun && round.played.length === round.goals.length;
}

/**
 * The round with a number taken, or given back: owned before the first goal, added up after it.
 * @param {Round} round
 * @param {number} number
 * @returns {Round}
 */
export function toggled(round, number) {
  if (!round.begun) return { ...round, owned: toggledIn(round.owned, number, round.rules.own) };
  if (isOver(round) || !round.owned.includes(number)) return round;
  return { ...round, chosen: toggledIn(round.chosen, number, round.rules.add) };
}

/**
 * @param {readonly number[]} numbers
 * @param {number} number
 * @param {number} most
 * @returns {number[]}
 */
function toggledIn(numbers, number, most) {
  if (numbers.includes(number)) return numbers.filter((other) => other !== number);
  return numbers.length < most ? [...numbers, number].sort((a, b) => a - b) : [...numbers];
}

/**
 * The round with its first goal shown, once all numbers are owned.
 * @param {Round} round
 * @returns {Round}
 */
export function begun(round) {
  return round.owned.length === round.rules.own ? { ...round, begun: true } : round;
}

/**
 * The round with the chosen numbers added up for its goal.
 * @param {Round} round
 * @returns {Round}
 */
export function added(round) {
  const goal = currentGoal(round);
  if (goal === undefined) return round;
  const away = Math.abs(goal - sum(round.chosen));
  const nearest = nearestSummands(round.owned, goal, round.rules);
  return { ...round, chosen: [], played: [...round.played, { goal, chosen: round.chosen, away, nearest }] };
}

/**
 * Sum of the distances so far.
 * @param {Round} round
 * @returns {number}
 */
export function total(round) {
  return sum(round.played.map((one) => one.away));
}
