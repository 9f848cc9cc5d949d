import assert from "node:assert/strict";
import { test } from "node:test";

import { checkSetting, readSetting } from "../../../../pipeline/report/scripts/descent/setting.js";

const GOOD = { target: "sine", model: { shallow: { activation: "tanh" } }, width: 8, learning_rate: 0.1 };
const LINEAR = { ...GOOD, model: { linear: { basis: "haar" } } };

test("what is not written has the default of a YAML file", () => {
  const content = readSetting(GOOD);
  assert.equal(content.numPoints, 256);
  assert.equal(content.numTestPoints, 4096);
  assert.equal(content.loss.name, "half_mean_square");
  assert.equal(content.optimizer.name, "gradient_descent");
  assert.equal(content.measure.name, "uniform");
  assert.equal(content.model.fields.initialisation.name, "uniform_fan_in");
  const labels = readSetting({ ...GOOD, target: "xor" });
  assert.deepEqual([labels.loss.name, labels.measure.name, labels.dimension, labels.numPoints],
    ["binary_cross_entropy", "corners", 2, 4]);
});

test("a definition may be written as in YAML or flat with its name", () => {
  const names = [{ sine: { frequency: 3 } }, { name: "sine", frequency: 3 }];
  for (const target of names) assert.deepEqual(readSetting({ ...GOOD, target }).target, { name: "sine", fields: { frequency: 3 } });
});

const REFUSED = [
  ["no object", null, /no JSON object/],
  ["an unknown function", { ...GOOD, target: "sinus" }, /no target called sinus: take absolute_value, step/],
  ["an unknown field", { ...GOOD, target: { sine: { period: 2 } } }, /sine has no field called period/],
  ["a field out of range", { ...GOOD, target: { sine: { frequency: 0 } } }, /frequency of sine must be a number above 0, not 0/],
  ["no model", { ...GOOD, model: undefined }, /No model is given/],
  ["a drawing of no points", { ...GOOD, drawn: [] }, /The drawing has no points/],
  ["knots in disorder", { ...GOOD, target: { piecewise_linear: { knots: [0, 0], values: [1, 2] } } }, /must increase/],
  ["a value too few", { ...GOOD, target: { piecewise_linear: { knots: [0, 1], values: [1] } } }, /1 values are not one for each of 2 knots/],
  ["a drawing of a place twice", { ...GOOD, drawn: [[0, 1], [0, 2]] }, /must increase/],
  ["a loss of classes", { ...GOOD, loss: "softmax_cross_entropy" }, /softmax_cross_entropy is a loss of classes, and/],
  ["noise on classes", { ...GOOD, target: "spirals", noise: 0.1 }, /No noise can be added to classes/],
  ["one class", { ...GOOD, target: { spirals: { classes: 1 } } }, /classes of spirals must be an integer from 2 to 10, not 1/],
  ["a small dictionary", { ...GOOD, model: { greedy: { size: 5 } } }, /A dictionary of 5 functions has no 8 to choose/],
  ["a huge dictionary", { ...GOOD, model: { greedy: { size: 4096 } }, num_points: 4096 }, /too much for a page/],
  ["a drawing of words", { ...GOOD, drawn: [[0, "a"]] }, /not two numbers/],
  [
    "a polynomial that takes minutes at each point",
    { ...GOOD, target: { chebyshev_polynomial: { degree: 1e9 } } },
    /degree of chebyshev_polynomial must be an integer from 0 to 1000, not 1000000000/,
  ],
  ["half a unit", { ...GOOD, width: 2.5 }, /width must be an integer from 1 to 1024, not 2.5/],
  ["a rate of nothing", { ...GOOD, learning_rate: 0 }, /learning_rate must be a number above 0, not 0/],
  ["no rate", { ...GOOD, learning_rate: undefined }, /learning_rate must be a number above 0, not missing/],
  ["negative noise", { ...GOOD, noise: -1 }, /noise must be a standard deviation/],
  ["noise on labels", { ...GOOD, target: "xor", noise: 0.1 }, /No noise can be added to labels/],
  ["a loss of labels", { ...GOOD, loss: "brier_score" }, /brier_score is a loss of labels/],
  ["a grid that is not filled", { ...GOOD, target: "gaussian", inputs: { measure: "grid", dimension: 2 }, num_points: 10 },
    /10 points do not fill a grid: take 9 or 16/],
  ["inputs where a basis has none", { ...LINEAR, inputs: { measure: "normal" } }, /haar has functions on \[-1, 1\] only/],
  ["a mesh that is not filled", { ...LINEAR, target: "outer_ring", model: { linear: { basis: "hat" } } },
    /8 products of hat do not fill a mesh: take 4 or 9/],
  ["polar coordinates of a line", { ...GOOD, model: { linear: { coordinates: "polar" } } }, /set dimension to 2/],
  ["too much for a page", { ...GOOD, width: 1024, num_points: 4096 }, /too much for a page/],
  ["a large minibatch", { ...GOOD, num_points: 8, batch_size: 9 }, /more than all points/],
];

for (const [what, setting, sentence] of REFUSED) {
  test(`${what}: refused in one sentence`, () => {
    const sentences = checkSetting(setting);
    assert.equal(sentences.length, 1, sentences.join(" "));
    assert.match(sentences[0], sentence);
    assert.match(sentences[0], /^.*[^.]\.$/);
  });
}

test("several things that are wrong are as many sentences", () => {
  assert.equal(checkSetting({ ...GOOD, width: 0, noise: "a", learning_rate: -1 }).length, 3);
});
