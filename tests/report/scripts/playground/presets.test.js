import assert from "node:assert/strict";
import { test } from "node:test";

import { accuracyOf } from "../../../../pipeline/report/scripts/descent/accuracy.js";
import { checkSetting } from "../../../../pipeline/report/scripts/descent/setting.js";
import { theoryOf } from "../../../../pipeline/report/scripts/descent/theory.js";
import { createTrial } from "../../../../pipeline/report/scripts/descent/trial.js";
import { PRESETS, USUAL, settingOf } from "../../../../pipeline/report/scripts/playground/presets.js";

/** The setting of a preset, with changes. */
function settingFor(question, changes = {}) {
  return { ...settingOf(PRESETS.find((preset) => preset.question === question)), ...changes };
}

/** The trial of a preset after some steps, by default all of them. */
function played(question, steps, changes) {
  const trial = createTrial(settingFor(question, changes));
  trial.step(steps ?? trial.content.steps);
  return trial;
}

const line = (from, to, number = 401) => Float64Array.from({ length: number }, (_, i) => from + ((to - from) * i) / (number - 1));
const farthest = (values, others) => Math.max(...values.map((value, place) => Math.abs(value - others[place])));

test("every preset can be trained, and none is another one", () => {
  for (const preset of PRESETS) assert.deepEqual(checkSetting(settingOf(preset)), [], preset.question);
  assert.deepEqual(checkSetting(USUAL), []);
  assert.equal(new Set(PRESETS.map((preset) => JSON.stringify(settingOf(preset)))).size, PRESETS.length);
  assert.equal(new Set(PRESETS.map((preset) => preset.question)).size, PRESETS.length);
});

test("past the largest stable rate one mode grows and all others shrink", () => {
  const question = "Past the largest stable rate", { eigenvalues } = theoryOf(played(question, 0));
  const { rate } = played(question, 0), growing = eigenvalues.filter((eigenvalue) => Math.abs(1 - rate * eigenvalue) > 1);
  assert.equal(growing.length, 1);
  assert.ok(Math.abs((rate * eigenvalues[0]) / 2 - 1.03) < 1e-9);
  assert.ok(played(question).diverged);
});

test("powers of x have a large condition number, whose square is how much slower the slowest mode is", () => {
  const { condition, eigenvalues } = theoryOf(played("Why so slow?", 0)), least = eigenvalues[eigenvalues.length - 1];
  assert.ok(condition > 100);
  assert.ok(Math.abs(eigenvalues[0] / least / condition ** 2 - 1) < 1e-6);
  assert.ok(played("Why so slow?", 1000).loss() > 10 * played("Why so slow?").loss());
});

test("descent moves a kink to where the target bends", () => {
  const question = "A kink for every unit", nearest = (trial) => Math.min(...trial.units().map(({ kink }) => Math.abs(kink)));
  assert.ok(nearest(played(question)) < 0.02);
  assert.ok(nearest(played(question, 0)) > nearest(played(question)));
});

test("a polynomial swings near the ends of evenly spaced points, and not in the middle", () => {
  const trial = played("Runge's phenomenon"), [ends, middle] = [line(0.9, 1), line(-0.5, 0.5)];
  const runge = (x) => 1 / (1 + 25 * x * x);
  assert.ok(farthest(trial.outputs(ends), ends.map(runge)) > 0.3);
  assert.ok(farthest(trial.outputs(middle), middle.map(runge)) < 0.1);
  assert.ok(farthest(trial.outputs(trial.points), trial.targets) < 0.06);
});

test("waves overshoot beside a jump by about a tenth of it, however many there are", () => {
  for (const width of [16, 32, 64]) {
    const highest = Math.max(...played("The Gibbs phenomenon", undefined, { width }).outputs(line(0, 1, 2001)));
    assert.ok(Math.abs(highest - 1.09) < 0.015, `${width}: ${highest}`);
  }
});

test("hidden units learn XOR, and no plane does", () => {
  assert.ok(played("XOR").loss() < 1e-6);
  const plane = played("XOR", undefined, { model: { linear: { basis: "monomial" } }, width: 3 });
  assert.ok(Math.abs(plane.loss() - 1 / 8) < 1e-9);
});

test("hidden units tell three classes apart, and a linear model of the coordinates does not", () => {
  const accuracy = (trial) => accuracyOf(trial.content, trial.all.outputs, trial.targets);
  assert.ok(accuracy(played("Three classes", 2500)) > 0.97);
  const plane = played("Three classes", 500, { model: { linear: { basis: "monomial" } }, width: 3 });
  assert.ok(accuracy(plane) < 0.8);
});

test("a greedy model takes the two powers that the target is made of, and no others", () => {
  const trial = played("Two among many");
  assert.deepEqual(trial.model.atoms, [0, 10]);
  assert.ok(trial.loss() < 1e-15);
  assert.equal(theoryOf(trial).eigenvalues.length, 2);
});

test("sharpness rises to 2 / rate, and stays near it", () => {
  const trial = played("The edge of stability", 0), { sharpness } = theoryOf(trial), bound = 2 / trial.rate;
  assert.ok(sharpness() < 0.9 * bound);
  const seen = [];
  for (let done = 0; done < 20000; done += 100) {
    trial.step(100);
    if (done >= 10000) seen.push(sharpness() / bound);
  }
  seen.sort((one, other) => one - other);
  assert.ok(Math.abs(seen[seen.length >> 1] - 1) < 0.05, `${seen[seen.length >> 1]}`);
});

test("nearly as many functions as points come closer to the noise than the target does, and leave the target", () => {
  const trial = played("Overfitting"), x = line(trial.points.reduce((a, b) => Math.min(a, b)), 0.9);
  const noise = trial.targets.map((target, place) => target - Math.sin(2 * Math.PI * trial.points[place]));
  const meanSquare = noise.reduce((sum, one) => sum + one * one, 0) / noise.length;
  assert.ok(trial.loss() < 0.5 * (meanSquare / 2));
  assert.ok(farthest(trial.outputs(x), x.map((one) => Math.sin(2 * Math.PI * one))) > 1);
});
