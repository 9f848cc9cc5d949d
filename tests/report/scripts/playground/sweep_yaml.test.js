import assert from "node:assert/strict";
import { test } from "node:test";

import { USUAL } from "../../../../pipeline/report/scripts/playground/presets.js";
import { drawnTable, sweepYaml } from "../../../../pipeline/report/scripts/playground/sweep_yaml.js";

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
});

test("words that YAML reads as something else are quoted", () => {
  assert.match(sweepYaml(USUAL, "yes"), /^question: "yes"$/m);
  assert.match(sweepYaml(USUAL, 'He said "no"\n# and left'), /^question: "He said \\"no\\"\\n# and left"$/m);
});

test("a drawing is a table, and four fifths of its rows are as many as were played", () => {
  const drawn = [[-1, -1], [1, 1]], rows = drawnTable(drawn, 64).trim().split("\n");
  assert.equal(rows[0], "x,y");
  assert.equal(Math.floor(((rows.length - 1) * 4) / 5), 64);
  for (const row of rows.slice(1)) {
    const [x, y] = row.split(",").map(Number);
    assert.ok(Math.abs(x - y) < 2e-6);
  }
  assert.match(sweepYaml({ ...USUAL, drawn }, "Why?"), /^data: \{table: \{path: "drawn.csv", inputs: \[x\], output: "y"\}\}$/m);
});
