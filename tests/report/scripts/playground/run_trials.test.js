import assert from "node:assert/strict";
import { test } from "node:test";

import { askedTrial, openedInWords, trialSetting } from "../../../../pipeline/report/scripts/playground/run_trials.js";

const [ONE, OTHER, SOLVED] = ["a1b2c3".padEnd(64, "0"), "a1b2c3".padEnd(64, "1"), "ff00".padEnd(64, "2")];
const RUN = {
  run: "xor",
  tables: [{ number: 0, label: "wine.csv" }],
  shapes: [{ model: "shallow", width: 2 }, { model: "shallow", width: 4 }, { model: "shallow", width: 5, table: 0 }],
  trials: { [ONE]: [1, 0.3, 7], [OTHER]: [0, { of_limit: 0.5 }, 0], [SOLVED]: [0, null, 0] },
  sentences: ["Trials on tables cannot be played."],
};
const NONE = { run: "", tables: [], shapes: [], trials: {}, sentences: [] };

test("an address asks for a trial before the hash or behind it", () => {
  assert.equal(askedTrial("?trial=abc", ""), "abc");
  assert.equal(askedTrial("", "#trial=abc"), "abc");
  assert.equal(askedTrial("?other=1", "#width=3"), "");
});

test("a trial is found by its id or the beginning of it, with its rate and its seed", () => {
  assert.deepEqual(trialSetting(RUN, ONE).setting, { model: "shallow", width: 4, learning_rate: 0.3, seed: 7 });
  assert.deepEqual(trialSetting(RUN, `${"a1b2c3".padEnd(12, "1")}`).setting?.learning_rate, { of_limit: 0.5 });
});

test("a trial on a table has its points", () => {
  const { setting } = trialSetting({ ...RUN, trials: { [ONE]: [2, 0.1, 3] } }, ONE);
  assert.deepEqual(setting, { model: "shallow", width: 5, data: RUN.tables[0], learning_rate: 0.1, seed: 3 });
});

test("random functions of the seed of their trial are drawn by it, so that another seed draws others", () => {
  const functions = { random_fourier: { scale: 2, seed: 3 } };
  const opened = (/** @type {any} */ model, /** @type {number} */ seed) =>
    trialSetting({ ...RUN, shapes: [{ model, width: 2 }], trials: { [ONE]: [0, 0.1, seed] } }, ONE).setting?.model;
  assert.deepEqual(opened({ linear: { basis: functions, product: "full" } }, 3), {
    linear: { basis: { random_fourier: { scale: 2 } }, product: "full" },
  });
  assert.deepEqual(opened({ greedy: { dictionary: functions, size: null } }, 3), {
    greedy: { dictionary: { random_fourier: { scale: 2 } }, size: null },
  });
  assert.deepEqual(opened({ linear: { basis: functions } }, 0), { linear: { basis: functions } });
  assert.deepEqual(opened({ shallow: { activation: { leaky_relu: { slope: 0 } } } }, 0), {
    shallow: { activation: { leaky_relu: { slope: 0 } } },
  });
});

test("a trial that cannot be opened is one sentence", () => {
  assert.match(trialSetting(RUN, "0123456789").sentence, /^There is no trial 0123456789 of xor to play here\. Trials on tables/);
  assert.match(trialSetting(RUN, "a1b2c3").sentence, /^2 trials begin with a1b2c3/);
  assert.match(trialSetting(RUN, "a").sentence, /^There is no trial a of xor/);
  assert.match(trialSetting(RUN, SOLVED).sentence, /is solved at once/);
  const ofBatches = { ...RUN, shapes: [{ batch_size: 16 }], trials: { [ONE]: [0, { of_limit: 0.5 }, 0], [OTHER]: [0, 0.5, 0] } };
  assert.match(trialSetting(ofBatches, ONE).sentence, /^Trial a1b2c3000000… cannot be played: its rate is a multiple of the limit of min/);
  assert.equal(trialSetting(ofBatches, OTHER).setting?.learning_rate, 0.5);
  assert.match(trialSetting(NONE, ONE).sentence, /belongs to no run/);
  assert.equal(trialSetting(RUN, "<script>").setting, null);
});

test("of a run that computed in float32 it is said that the page does not", () => {
  assert.equal(openedInWords(ONE, "xor", "float64"), "Trial a1b2c3000000 of xor, from its start.");
  assert.match(openedInWords(ONE, "xor", "float32"), /from its start. Its run computed in float32, this page in float64/);
});
