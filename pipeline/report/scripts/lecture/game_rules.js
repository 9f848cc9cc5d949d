/**
 * The lecture's number game, by enumeration: own some of the numbers 0 to 9, add up a few of them.
 *
 * @typedef {{own: number, add: number, highestGoal: number}} GameRules How many numbers are owned, how many of them are
 * added up at most, and the highest goal; goals from 0 are all equally likely.
 */

/** Numbers that may be owned, each once. */
export const NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * All choices of so many of some numbers, in the order of the numbers.
 * @param {readonly number[]} numbers
 * @param {number} count
 * @returns {Generator<number[], void>}
 */
export function* combinations(numbers, count) {
  if (count === 0) {
    yield [];
    return;
  }
  for (let first = 0; first <= numbers.length - count; first++)
    for (const rest of combinations(numbers.slice(first + 1), count - 1)) yield [numbers[first], ...rest];
}

/**
 * @param {readonly number[]} numbers
 * @returns {number}
 */
export function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Numbers whose sum is nearest to a goal; of equals the fewest, and of these the first.
 * @param {readonly number[]} owned in increasing order
 * @param {number} goal
 * @param {GameRules} rules
 * @returns {number[]}
 */
export function nearestSummands(owned, goal, rules) {
  /** @type {number[]} */
  let nearest = [];
  for (let count = 1; count <= Math.min(rules.add, owned.length); count++)
    for (const chosen of combinations(owned, count))
      if (Math.abs(goal - sum(chosen)) < Math.abs(goal - sum(nearest))) nearest = chosen;
  return nearest;
}

/**
 * Distance of a goal from the nearest sum.
 * @param {readonly number[]} owned in increasing order
 * @param {number} goal
 * @param {GameRules} rules
 * @returns {number}
 */
export function score(owned, goal, rules) {
  return Math.abs(goal - sum(nearestSummands(owned, goal, rules)));
}

/**
 * Sum of the scores over all goals, which the expected score is a fraction of.
 * @param {readonly number[]} owned in increasing order
 * @param {GameRules} rules
 * @returns {number}
 */
export function totalScore(owned, rules) {
  let total = 0;
  for (let goal = 0; goal <= rules.highestGoal; goal++) total += score(owned, goal, rules);
  return total;
}

/**
 * Expected score over all goals.
 * @param {readonly number[]} owned in increasing order
 * @param {GameRules} rules
 * @returns {number}
 */
export function expectedScore(owned, rules) {
  return totalScore(owned, rules) / (rules.highestGoal + 1);
}

/**
 * All sets of numbers to own with the least expected score.
 * @param {GameRules} rules
 * @returns {number[][]}
 */
export function bestSets(rules) {
  let least = Infinity;
  /** @type {number[][]} */
  let best = [];
  for (const owned of combinations(NUMBERS, rules.own)) {
    const total = totalScore(owned, rules);
    if (total < least) [least, best] = [total, []];
    if (total === least) best.push(owned);
  }
  return best;
}
