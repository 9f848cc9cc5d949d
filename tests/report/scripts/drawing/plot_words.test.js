import assert from "node:assert/strict";
import { test } from "node:test";

import { functionInWords, planeInWords, stepsInWords } from "../../../../pipeline/report/scripts/drawing/plot_words.js";

const samples = { x: [-1, 0, 1], y: [1, 0, 1] };

test("a function is told by its values, its points and its units", () => {
  const said = functionInWords({ truth: samples, points: samples, fit: { x: [0], y: [0.5] }, kinks: [0.2] });
  assert.equal(said, "The target between 0 and 1, 3 training points, the fit between 0.5 and 0.5, 1 unit that bends, over x.");
});

test("a curve is told by where it begins and ends", () => {
  const curves = [
    { name: "training loss", steps: [0, 10], values: [0.5, 1e-6] },
    { name: "predicted", steps: [0], values: [0.5] },
    { name: "nothing yet", steps: [], values: [] },
  ];
  assert.equal(stepsInWords({ curves, title: "" }), "Training loss from 0.5 at step 0 to 1e−6 at step 10, predicted from 0.5 at step 0.");
});

test("a plane is told by its values, its points and its lines", () => {
  const content = { ends: [0, 1], range: [0, 1], fit: { x: [0, 1], y: [0, 1], values: [0, 1, 1, 0] }, units: [{}, {}] };
  assert.equal(planeInWords(content), "The fit between 0 and 1, 2 units that bend along lines, both inputs from 0 to 1.");
});

test("an empty plot says so", () => {
  const empty = [functionInWords({}), stepsInWords({ curves: [], title: "" }), planeInWords({ ends: [0, 1], range: [0, 1] })];
  assert.deepEqual(new Set(empty), new Set(["Nothing is drawn yet."]));
});
