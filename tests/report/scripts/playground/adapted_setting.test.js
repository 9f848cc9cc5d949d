import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFINITIONS } from "../../../../pipeline/report/scripts/descent/definitions.js";
import { checkSetting, readSetting } from "../../../../pipeline/report/scripts/descent/setting.js";
import { adapted, asDrawn, withKnownRate } from "../../../../pipeline/report/scripts/playground/adapted_setting.js";
import { USUAL } from "../../../../pipeline/report/scripts/playground/presets.js";

test("a setting that can be trained stays as it was chosen", () => {
  assert.equal(adapted(USUAL), USUAL);
});

test("whatever function, basis and number of inputs are chosen one after another, there is something to train", () => {
  for (const target of Object.keys(DEFINITIONS.target)) {
    for (const basis of Object.keys(DEFINITIONS.basis)) {
      for (const dimension of [undefined, 1, 2]) {
        const inputs = dimension ? { dimension, measure: "grid" } : {};
        const setting = adapted({ ...USUAL, target, inputs, noise: 0.1, width: 7, model: { linear: { basis } } });
        assert.deepEqual(checkSetting(setting), [], `${target} ${basis} ${dimension}`);
        assert.equal(setting.target, target);
      }
    }
  }
});

test("what nothing near can mend stays, so that its sentence is said", () => {
  const wrong = { ...USUAL, width: -3 };
  assert.deepEqual(adapted(wrong), wrong);
});

test("where no largest stable rate is known a multiple of it becomes a number", () => {
  assert.equal(withKnownRate(USUAL, 0.3), USUAL);
  assert.equal(withKnownRate({ ...USUAL, optimizer: "adam" }, 0.3).learning_rate, 0.01);
  assert.equal(withKnownRate({ ...USUAL, batch_size: 4 }, 0.33333).learning_rate, 0.333);
  const own = { ...USUAL, optimizer: { adam: { beta1: 0.5 } }, learning_rate: 7 };
  assert.equal(withKnownRate(own, 0.3), own);
});

test("a piecewise linear function of a run is one that can be drawn on", () => {
  const target = { piecewise_linear: { knots: [-1, 0.5], values: [2, 3] } };
  const { drawn } = asDrawn({ ...USUAL, target });
  assert.deepEqual(drawn, [[-1, 2], [0.5, 3]]);
  assert.deepEqual(readSetting({ ...USUAL, target }), readSetting({ ...USUAL, drawn }));
  assert.equal(asDrawn(USUAL), USUAL);
});
