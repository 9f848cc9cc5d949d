// What theory says of a trial beside what it does, in a sentence or two.

import { shortNumber } from "../drawing/number_text.js";

/**
 * @typedef {object} Standing
 * @property {boolean} isLinear Whether the loss is a quadratic of the weights, so that its limit is exact.
 * @property {boolean} exact Whether that limit holds on all the way: full batches of a quadratic loss.
 * @property {boolean} full Whether each step is on all points.
 * @property {string} optimizer Name of the rule, in words.
 * @property {number} rate Learning rate.
 * @property {number | null} limit Largest stable rate: of a linear model, or of a network at its present weights.
 * @property {number | null} firstLimit That at the first weights.
 * @property {number} step Steps done.
 * @property {boolean} diverged Whether it has.
 */

/**
 * What theory says, and whether the trial agrees.
 * @param {Standing} standing Where a trial stands.
 * @returns {{text: string, kind: "agrees" | "contradicts" | ""}}
 */
export function standingInWords(standing) {
  if (standing.limit === null) return withoutLimit(standing);
  if (!standing.isLinear) return ofNetwork(standing);
  return standing.exact ? ofQuadratic(standing) : ofBound(standing);
}

/** @param {Standing} standing */
function withoutLimit({ diverged, step, optimizer, full }) {
  const said = diverged ? `It diverged at step ${step}. ` : "", of = full ? optimizer : "minibatches";
  const text = `${said}For ${of} no largest stable rate follows from the curvature alone.`;
  return { text, kind: /** @type {const} */ ("") };
}

/**
 * @param {Standing} standing
 * @returns {{text: string, kind: "agrees" | "contradicts" | ""}}
 */
function ofQuadratic({ rate, limit, diverged, step }) {
  const times = shortNumber(rate / (limit ?? NaN)), above = rate > (limit ?? NaN);
  const where = `the rate is ${times} times the largest stable one`;
  if (!diverged) {
    const told = above ? "descent diverges" : "descent converges";
    return { text: `Theory: ${told}, because ${where}.`, kind: "" };
  }
  if (above) return { text: `It diverged at step ${step}, as theory says: ${where}.`, kind: "agrees" };
  return { text: `It diverged at step ${step}, which theory rules out: ${where}.`, kind: "contradicts" };
}

/**
 * @param {Standing} standing
 * @returns {{text: string, kind: "agrees" | "contradicts" | ""}}
 */
function ofBound({ rate, limit, diverged, step }) {
  const said = diverged ? `It diverged at step ${step}. ` : "", times = shortNumber(rate / (limit ?? NaN));
  return { text: `${said}The rate is ${times} times the limit of theory, which for this loss is not exact.`, kind: "" };
}

/**
 * @param {Standing} standing
 * @returns {{text: string, kind: "agrees" | "contradicts" | ""}}
 */
function ofNetwork({ rate, limit, firstLimit, diverged, step }) {
  const times = shortNumber(rate / (limit ?? NaN)), atFirst = shortNumber(rate / (firstLimit ?? NaN));
  if (diverged) {
    return { text: `It diverged at step ${step}: the rate is ${atFirst} times the first limit.`, kind: "" };
  }
  const text = `At these weights the rate is ${times} times the largest stable one, which moves as they do.`;
  return { text, kind: "" };
}
