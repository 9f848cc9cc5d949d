// A curve stays as the one before the last change only where it is of the same problem, model and loss.

import assert from "node:assert/strict";
import { test } from "node:test";
import { comparable } from "../../../../pipeline/report/scripts/playground/compared_settings.js";
import { PRESETS, settingOf, USUAL } from "../../../../pipeline/report/scripts/playground/presets.js";

test("another way of descent, and another width, is compared with the one before", () => {
  for (const change of [{ learning_rate: 0.1 }, { optimizer: "adam" }, { batch_size: 4 }, { seed: 3 }, { width: 2 }]) {
    assert.equal(comparable(USUAL, { ...USUAL, ...change }), true);
  }
});

test("another problem, model or loss is not", () => {
  for (const change of [{ target: "step" }, { noise: 0.1 }, { model: "shallow" }, { loss: "logistic" }]) {
    assert.equal(comparable(USUAL, { ...USUAL, ...change }), false);
  }
  assert.equal(comparable(null, USUAL), false);
});

test("no question to begin with is compared with the one before it", () => {
  PRESETS.slice(1).forEach((preset, place) => {
    assert.equal(comparable(settingOf(PRESETS[place]), settingOf(preset)), false, preset.question);
  });
});
