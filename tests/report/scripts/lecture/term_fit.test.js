import assert from "node:assert/strict";
import { test } from "node:test";

import { bestFit, bestNext } from "../../../../pipeline/report/scripts/lecture/term_fit.js";

const x = Float64Array.from({ length: 101 }, (_, place) => -1 + place / 50);
const monomials = Array.from({ length: 13 }, (_, power) => x.map((value) => value ** power));
const target = x.map((value) => 1 + value ** 10);

test("the fit of a line by a constant is its mean, and the error its deviation", () => {
  const { fit, error } = bestFit([monomials[0]], x);
  assert.ok(Math.abs(fit[0]) < 1e-15);
  assert.ok(Math.abs(error - Math.sqrt(x.reduce((sum, value) => sum + value ** 2, 0) / x.length)) < 1e-15);
});

test("1 + x^10 takes eleven of the first monomials, and two of those that are chosen", () => {
  assert.ok(bestFit(monomials.slice(0, 10), target).error > 1e-4);
  assert.ok(bestFit(monomials.slice(0, 11), target).error < 1e-12);
  assert.ok(bestFit([monomials[0], monomials[10]], target).error < 1e-14);
});

test("an odd function does not help an even target", () => {
  const even = bestFit([monomials[0], monomials[2]], target).error;
  assert.ok(Math.abs(bestFit([monomials[0], monomials[1], monomials[2], monomials[3]], target).error - even) < 1e-12);
});

test("of no functions all is left, and twice the same one is one", () => {
  assert.equal(bestFit([], x).fit.every((value) => value === 0), true);
  assert.ok(Math.abs(bestFit([monomials[0], monomials[0]], target).error - bestFit([monomials[0]], target).error) < 1e-12);
});

test("the best next function is the one whose error is least", () => {
  const next = bestNext(monomials, [0], target);
  const errors = monomials.map((one) => bestFit([monomials[0], one], target).error);
  assert.equal(next, 10);
  assert.equal(errors[next], Math.min(...errors));
  assert.equal(bestNext(monomials.slice(0, 2), [0, 1], target), -1);
});
