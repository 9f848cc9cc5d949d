import assert from "node:assert/strict";
import { test } from "node:test";

import { DEFINITIONS } from "../../../../pipeline/report/scripts/descent/definitions.js";
import { checkSetting } from "../../../../pipeline/report/scripts/descent/setting.js";
import { adapted } from "../../../../pipeline/report/scripts/playground/adapted_setting.js";
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
