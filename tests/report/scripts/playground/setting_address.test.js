import assert from "node:assert/strict";
import { test } from "node:test";

import { PRESETS, USUAL, settingOf } from "../../../../pipeline/report/scripts/playground/presets.js";
import { DAMAGED, addressOf, settingFrom } from "../../../../pipeline/report/scripts/playground/setting_address.js";

const SETTINGS = [
  ...PRESETS.map(settingOf),
  { ...USUAL, drawn: [[-1, 0.5], [0.25, -1e-7]] },
  { ...USUAL, drawn: [] },
  { ...USUAL, model: { shallow: { activation: { leaky_relu: { slope: 0.2 } }, initialisation: {} } }, seed: 12 },
  { ...USUAL, inputs: { measure: "grid", dimension: 2 }, batch_size: null, dtype: "float32" },
];

test("an address holds every setting and gives it back", () => {
  for (const setting of SETTINGS) {
    const { setting: read, sentence } = settingFrom(addressOf(setting, USUAL), USUAL);
    assert.equal(sentence, "");
    assert.deepEqual(read, setting);
    assert.deepEqual(settingFrom(addressOf(setting, {}), USUAL).setting, setting);
  }
});

test("an address says only what is not as usual, in the words of a YAML file", () => {
  assert.equal(addressOf(USUAL, USUAL), "");
  assert.deepEqual(settingFrom("", USUAL), { setting: USUAL, sentence: "" });
  const changed = { ...USUAL, width: 3, target: { sine: { frequency: 5 } } };
  assert.equal(addressOf(changed, USUAL), "#target.sine.frequency=5&width=3");
});

test("an address names a table of the page, which has to be there", () => {
  const data = { number: 1, points: [1, 2] }, hash = addressOf({ ...USUAL, data, width: 3 }, USUAL);
  assert.equal(hash, "#width=3&table=1");
  assert.deepEqual(settingFrom(hash, USUAL, [{}, data]).setting, { ...USUAL, data, width: 3 });
  for (const missing of [hash, "#table=length", "#table=__proto__", "#table=-1"]) {
    assert.deepEqual(settingFrom(missing, USUAL), { setting: USUAL, sentence: DAMAGED });
  }
});

test("a damaged address is the usual setting and one sentence", () => {
  const damaged = ["#nothing=1", "#width", "#width=%E0%A4%A", "#width=1&width=2", "#width=1&width.more=2", "#=3", "#Width=1"];
  damaged.push("#__proto__.polluted=1", "#target.__proto__.x=1", "#drawn.x=1&drawn=2");
  for (const hash of damaged) {
    const { setting, sentence } = settingFrom(hash, USUAL);
    assert.deepEqual([setting, sentence], [USUAL, DAMAGED], hash);
  }
  assert.equal({}.polluted, undefined);
});
