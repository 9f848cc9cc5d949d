import assert from "node:assert/strict";
import { test } from "node:test";

import { choiceOf, goesOn, valueAt, withValue } from "../../../../pipeline/report/scripts/lecture/live_setting.js";

const setting = { width: 4, model: { linear: { basis: "legendre" } } };
/** @type {[string, any][]} */
const choices = [["a", { linear: { basis: "legendre" } }], ["b", { shallow: {} }]];

test("a value is put where a path leads, in a copy", () => {
  assert.deepEqual(withValue(setting, "model.linear.basis", "haar").model, { linear: { basis: "haar" } });
  assert.deepEqual(withValue(setting, "learning_rate.of_limit", 0.5).learning_rate, { of_limit: 0.5 });
  assert.equal(setting.model.linear.basis, "legendre");
});

test("a path that leads nowhere has no value", () => {
  assert.equal(valueAt(setting, "model.linear.basis"), "legendre");
  assert.equal(valueAt(setting, "model.shallow.activation"), undefined);
});

test("a knob stands where the setting is", () => {
  assert.equal(choiceOf(setting, { label: "", path: "model", isOrdered: false, choices }), 0);
  assert.equal(choiceOf(setting, { label: "", path: "width", isOrdered: true, choices: [["2", 2], ["4", 4]] }), 1);
  assert.equal(choiceOf(setting, { label: "", path: "seed", isOrdered: true, choices: [["2", 2]] }), -1);
});

test("only the learning rate is changed on the way", () => {
  const paths = ["learning_rate", "learning_rate.of_limit", "width"];
  assert.deepEqual(paths.map((path) => goesOn({ label: "", path, isOrdered: true, choices: [] })), [true, true, false]);
});
