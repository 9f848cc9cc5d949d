import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOfGreedy, inWords } from "../../../../pipeline/report/scripts/lecture/dictionary.js";
import { checkSetting } from "../../../../pipeline/report/scripts/descent/setting.js";
import { USUAL } from "../../../../pipeline/report/scripts/playground/presets.js";
import { settingFrom } from "../../../../pipeline/report/scripts/playground/setting_address.js";

test("errors are told beside those of as many first terms, and rounding is none", () => {
  assert.equal(inWords(2, 1e-16, 0.269), "2 terms leave no error; the first 2 leave an error of 0.269.");
  assert.equal(inWords(1, 0.5, 0.25), "1 term leaves an error of 0.5; the first one leaves an error of 0.25.");
  assert.equal(inWords(0, 1, 1), "No terms leave an error of 1.");
});

test("the playground opens with a greedy model of as many terms, on the same target", () => {
  for (const terms of [0, 2, 12]) {
    const { setting, sentence } = settingFrom(addressOfGreedy(terms), USUAL);
    assert.equal(sentence, "");
    assert.deepEqual(checkSetting(setting), []);
    assert.deepEqual([setting.width, setting.model], [Math.max(1, terms), { greedy: { dictionary: "monomial" } }]);
    assert.deepEqual(setting.target, { one_plus_power: { power: 10 } });
  }
});
