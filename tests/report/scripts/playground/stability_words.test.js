import assert from "node:assert/strict";
import { test } from "node:test";

import { standingInWords } from "../../../../pipeline/report/scripts/playground/stability_words.js";

const LINEAR = { isLinear: true, full: true, exact: true, optimizer: "momentum", rate: 1, limit: 2, firstLimit: 2, step: 9, diverged: false };

test("of a quadratic theory says what will be, and whether it was", () => {
  assert.match(standingInWords(LINEAR).text, /^Theory: descent converges, .* 0\.5 times the largest stable one/);
  assert.match(standingInWords({ ...LINEAR, rate: 3 }).text, /^Theory: descent diverges, .* 1\.5 times/);
  const { text, kind } = standingInWords({ ...LINEAR, rate: 3, diverged: true });
  assert.match(text, /diverged at step 9, as theory says/);
  assert.equal(kind, "agrees");
});

test("a divergence below the limit is said to be against theory", () => {
  assert.equal(standingInWords({ ...LINEAR, diverged: true }).kind, "contradicts");
});

test("of a network the limit is that of its present weights, and theory rules nothing out", () => {
  const network = { ...LINEAR, isLinear: false, firstLimit: 4 };
  assert.match(standingInWords(network).text, /^At these weights the rate is 0\.5 times/);
  assert.match(standingInWords({ ...network, diverged: true }).text, /0\.25 times the first limit/);
  assert.equal(standingInWords({ ...network, diverged: true }).kind, "");
});

test("a limit that is a bound is said to be one", () => {
  assert.match(standingInWords({ ...LINEAR, exact: false }).text, /^The rate is 0\.5 times .* not exact/);
  assert.match(standingInWords({ ...LINEAR, exact: false, diverged: true }).text, /^It diverged at step 9\./);
});

test("where no limit is known none is made up", () => {
  assert.match(standingInWords({ ...LINEAR, limit: null, optimizer: "adam" }).text, /^For adam no largest stable rate/);
  assert.match(standingInWords({ ...LINEAR, limit: null, full: false }).text, /^For minibatches no/);
});
