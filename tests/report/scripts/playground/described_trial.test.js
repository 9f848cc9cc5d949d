import assert from "node:assert/strict";
import { test } from "node:test";

import { describedTrial, gridOf } from "../../../../pipeline/report/scripts/playground/described_trial.js";
import { USUAL } from "../../../../pipeline/report/scripts/playground/presets.js";

const STARTED = {
  ...{ kind: "started", id: "ab", dimension: 1, rate: 0.5, points: new Float64Array(2), targets: new Float64Array(2) },
  truth: { x: new Float64Array([0, 1]), y: new Float64Array([3, 5]) },
  theory: { limit: 2, condition: 1, eigenvalues: new Float64Array([1]), predicted: [[0, 1], [4, 0.5]], linearised: null },
};
const described = (changes) => describedTrial({ ...USUAL, ...changes }, STARTED);

test("of a network the linearised one is predicted, until it diverges", () => {
  const linearised = [[0, 1], [1, 9], [2, 50], [3, Infinity]];
  const { predicted } = describedTrial({ ...USUAL, model: "shallow" }, { ...STARTED, theory: { ...STARTED.theory, predicted: null, linearised } });
  assert.deepEqual(predicted, { steps: [0, 1], values: [1, 9] });
  assert.deepEqual(described({}).predicted, { steps: [0, 4], values: [1, 0.5] });
});

test("a limit is exact of a linear model, the square loss, all points and a rule that has one", () => {
  assert.equal(described({}).exact, true);
  for (const changes of [{ model: "shallow" }, { optimizer: "adam" }, { batch_size: 4 }]) {
    assert.equal(described(changes).exact, false);
  }
  const labels = { target: "xor", num_points: 4, model: { linear: { basis: "monomial" } } };
  assert.equal(described({ ...labels, loss: "half_mean_square" }).exact, true);
  assert.equal(described({ ...labels, loss: "binary_cross_entropy" }).exact, false);
});

test("the largest stable sharpness is 2 / rate, with momentum its analogue", () => {
  assert.equal(described({}).bound, 4);
  assert.ok(Math.abs(described({ optimizer: "momentum" }).bound - 7.6) < 1e-12);
  assert.equal(described({ optimizer: "adam" }).bound, null);
});

test("the plane has the colours of the values of the function, of labels those of no and yes", () => {
  assert.deepEqual(described({}).range, [3, 5]);
  assert.deepEqual(described({ target: "xor", num_points: 4, loss: "half_mean_square" }).range, [0, 1]);
  assert.deepEqual(described({ target: "xor", num_points: 4 }).range, [-4, 4]);
});

test("a grid is drawn with the second input upwards", () => {
  const points = new Float64Array([0, 0, 1, 0, 0, 2, 1, 2]), values = new Float64Array([10, 11, 20, 21]);
  const { x, y, values: drawn } = gridOf({ x: points, y: values });
  assert.deepEqual([[...x], [...y], [...drawn]], [[0, 1], [0, 2], [10, 20, 11, 21]]);
});
