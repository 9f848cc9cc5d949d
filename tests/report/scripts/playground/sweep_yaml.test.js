import assert from "node:assert/strict";
import { test } from "node:test";

import { USUAL } from "../../../../pipeline/report/scripts/playground/presets.js";
import { sweepYaml } from "../../../../pipeline/report/scripts/playground/sweep_yaml.js";

test("a setting is a sweep of its neighbours, itself among them", () => {
  const model = { shallow: { activation: { leaky_relu: { slope: 0.2 } }, initialisation: "he" } };
  const yaml = sweepYaml({ ...USUAL, model, learning_rate: 0.04, inputs: { seed: 3 }, seed: 5 }, "Which: rate?");
  assert.equal(yaml, `question: "Which: rate?"
target: sine
inputs: {seed: 3, train: 64, noise: 0}
models:
  - {shallow: {activation: {leaky_relu: {slope: 0.2}}, initialisation: he}}
widths: [8]
optimizer: gradient_descent
learning_rates: [0.01, 0.02, 0.03, 0.04, 0.044, 0.06]
steps: 2000
seeds: [5, 6, 7]
dtype: float64
`);
});

test("a multiple of the limit stays one, and what draws nothing has one seed", () => {
  const yaml = sweepYaml({ ...USUAL, learning_rate: { of_limit: 1 } }, "Why?");
  assert.match(yaml, /^learning_rates: \{times_limit: \[0.25, 0.5, 0.75, 1, 1.1, 1.5\]\}$/m);
  assert.match(yaml, /^seeds: \[0\]$/m);
  const seedsOf = (/** @type {object} */ fields) =>
    /^seeds: (.*)$/m.exec(sweepYaml({ ...USUAL, model: { linear: { basis: { random_fourier: fields } } } }, "Why?"))?.[1];
  assert.equal(seedsOf({ scale: 2 }), "[0, 1, 2]");
  assert.equal(seedsOf({ seed: 4 }), "[0]");
});

test("words that YAML reads as something else are quoted", () => {
  assert.match(sweepYaml(USUAL, "yes"), /^question: "yes"$/m);
  assert.match(sweepYaml(USUAL, 'He said "no"\n# and left'), /^question: "He said \\"no\\"\\n# and left"$/m);
});

test("a drawing is a piecewise linear function, and a table is what its run says of it", () => {
  const yaml = sweepYaml({ ...USUAL, drawn: [[-1, -1e-7], [0.5, 1]] }, "Why?");
  assert.match(yaml, /^target: \{piecewise_linear: \{knots: \[-1, 0.5\], values: \[-1e-7, 1\]\}\}\ninputs: \{train: 64, noise: 0\}$/m);
  const data = { written: { data: { table: { path: "wine.csv" } }, inputs: { train: 9, seed: 2 } } };
  assert.match(sweepYaml({ ...USUAL, data }, "Why?"), /^data: \{table: \{path: "wine.csv"\}\}\ninputs: \{train: 9, seed: 2\}$/m);
});
