import assert from "node:assert/strict";
import { test } from "node:test";

import { ACTIVATIONS } from "../../../../pipeline/report/scripts/descent/activations.js";
import { LOSSES } from "../../../../pipeline/report/scripts/descent/losses.js";
import { NetworkBatch } from "../../../../pipeline/report/scripts/descent/network.js";

const STEP = 1e-6;
const WIDTH = 3;
const POINTS = 5;

/** Numbers between -1 and 1 that are alike at every call. */
const numbers = (size, first) => Float64Array.from({ length: size }, (_, i) => Math.sin(7 * (i + first) ** 2 + 1));

for (const activation of Object.keys(ACTIVATIONS)) {
  for (const loss of Object.keys(LOSSES)) {
    for (const [numInputs, numOutputs] of [[1, 2], [2, 1], [3, 2]]) {
      if (numOutputs < 2 && loss === "softmax_cross_entropy") continue; // one class is no question
      test(`${activation}, ${loss}, ${numInputs} inputs, ${numOutputs} outputs: gradient and Hessian are differences of loss and gradient`, () => {
        const some = numbers(POINTS, 3).map((x) => +(x > 0)); // of two outputs one-hot
        const targets = Float64Array.from([...some, ...some.map((x) => 1 - x)].slice(0, numOutputs * POINTS));
        const batch = new NetworkBatch(ACTIVATIONS[activation]({ slope: 0.1 }), LOSSES[loss], WIDTH,
          numbers(numInputs * POINTS, 1), targets, POINTS);
        const size = WIDTH * (numInputs + 1) + numOutputs * (WIDTH + 1);
        const [weights, direction] = [numbers(size, 2), numbers(size, 5)];
        const near = (sign) => weights.map((weight, i) => weight + sign * STEP * direction[i]);
        const gradientAt = (place) => {
          const gradient = new Float64Array(size);
          return [batch.evaluate(place, gradient), gradient];
        };
        const [[above, after], [below, before]] = [gradientAt(near(1)), gradientAt(near(-1))];
        const [, gradient] = gradientAt(weights);
        const along = gradient.reduce((sum, slope, i) => sum + slope * direction[i], 0);
        assert.ok(Math.abs((above - below) / (2 * STEP) - along) < 1e-8);
        const product = new Float64Array(size);
        batch.expandAt(weights);
        batch.hessianProduct(direction, product);
        product.forEach((entry, i) => assert.ok(Math.abs((after[i] - before[i]) / (2 * STEP) - entry) < 1e-7));
      });
    }
  }
}
