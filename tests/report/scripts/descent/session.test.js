import assert from "node:assert/strict";
import { test } from "node:test";

import { Session } from "../../../../pipeline/report/scripts/descent/session.js";

const NETWORK = { target: "sine", model: { shallow: {} }, width: 5, learning_rate: 0.05, num_points: 16 };
const LINEAR = { ...NETWORK, model: { linear: {} }, learning_rate: { of_limit: 0.5 } };

/** A session, and its answers as they come. */
function begun(setting, budget = 1000) {
  const answers = [];
  const session = new Session((answer) => answers.push(answer), budget);
  session.receive({ kind: "start", setting });
  return { session, answers, last: () => answers[answers.length - 1] };
}

const moment = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

test("a start tells the problem and its theory, then how the trial stands before any step", () => {
  const { answers: [started, frame] } = begun(LINEAR);
  assert.equal(started.kind, "started");
  assert.match(started.id, /^[0-9a-f]{64}$/);
  assert.deepEqual([started.points.length, started.targets.length], [16, 16]);
  assert.equal(started.truth.x.length, started.truth.y.length);
  assert.equal(started.rate, started.theory.limit / 2);
  assert.deepEqual([frame.kind, frame.step, frame.diverged], ["frame", 0, false]);
  assert.deepEqual(started.theory.predicted[0], [0, started.theory.predicted[0][1]]);
  assert.ok(Math.abs(started.theory.predicted[0][1] / frame.losses[0][1] - 1) < 1e-12);
  assert.ok(Math.abs(frame.sharpness * frame.limit - 2) < 1e-7);
});

test("of two inputs functions are told on a square of points", () => {
  const { answers: [{ truth, dimension }, { fit, units }] } = begun({ ...NETWORK, target: "outer_ring" });
  assert.equal(dimension, 2);
  assert.equal(truth.x.length, 2 * truth.y.length);
  assert.deepEqual(fit.x, truth.x);
  assert.equal(units[0].slopes.length, 2);
});

test("steps come with their losses, each step once and none left out", () => {
  const { session, answers } = begun(NETWORK);
  session.receive({ kind: "step", count: 3 });
  session.receive({ kind: "step", count: 2 });
  const steps = answers.filter(({ kind }) => kind === "frame").flatMap(({ losses }) => losses.map(([step]) => step));
  assert.deepEqual(steps, [0, 1, 2, 3, 4, 5]);
});

test("of very many steps a frame tells some losses, the last among them", () => {
  const { session, last } = begun(NETWORK);
  session.receive({ kind: "step", count: 5000 });
  assert.equal(last().step, 5000);
  assert.ok(last().losses.length <= 128);
  assert.equal(last().losses.at(-1)[0], 5000);
});

test("a slice ends when its time is over", () => {
  const { session, last } = begun(NETWORK, 5);
  session.receive({ kind: "step", count: 10 ** 9 });
  assert.ok(last().step > 0 && last().step < 10 ** 7);
});

test("playing goes on until it is paused, and waits for a page that has not shown the last frame", async () => {
  const { session, answers, last } = begun(NETWORK);
  session.receive({ kind: "play", stepsPerFrame: 4 });
  await moment(60);
  assert.equal(last().step, 0);
  const frames = answers.length;
  session.receive({ kind: "shown" });
  while (answers.length < frames + 1) await moment(5);
  assert.equal(last().step, 4);
  session.receive({ kind: "pause" });
  session.receive({ kind: "shown" });
  await moment(40);
  assert.equal(last().step, 4);
});

test("a rate far beyond the limit diverges, says so, and a reset goes on", () => {
  const { session, answers, last } = begun(LINEAR);
  session.receive({ kind: "rate", rate: 1e9 });
  assert.equal(answers.at(-2).kind, "predicted");
  session.receive({ kind: "step", count: 100 });
  assert.ok(last().diverged);
  assert.ok(last().divergedAt < 100);
  session.receive({ kind: "rate", rate: 0.01 });
  session.receive({ kind: "reset" });
  assert.deepEqual([last().step, last().diverged], [0, false]);
  session.receive({ kind: "step", count: 10 });
  assert.equal(last().step, 10);
});

test("what cannot be trained is refused in sentences, and the trial before it is gone", () => {
  const { session, answers, last } = begun(NETWORK);
  session.receive({ kind: "start", setting: { ...NETWORK, drawn: [] } });
  assert.deepEqual(last(), { kind: "refused", sentences: ["The drawing has no points: draw a line across the picture."] });
  session.receive({ kind: "step", count: 1 });
  assert.equal(answers.length, 3);
  session.receive({ kind: "start", setting: { ...LINEAR, optimizer: "adam" } });
  assert.match(last().sentences[0], /No largest stable rate is known/);
});

test("a loss beyond float64 before any step is refused: no step and no theory says anything of it", () => {
  for (const huge of [{ noise: 1e300 }, { drawn: [[-1, 1e308], [1, -1e308]] }]) {
    const { answers } = begun({ ...LINEAR, ...huge });
    assert.deepEqual(answers.map(({ kind }) => kind), ["refused"]);
    assert.match(answers[0].sentences[0], /^The loss is infinite before any step/);
  }
});

test("points that are drawn where a basis has no functions are refused in a sentence", () => {
  const model = { linear: { basis: "hat", coordinates: "polar" } };
  const setting = { ...NETWORK, target: "gaussian", inputs: { dimension: 2, measure: "uniform" }, model, width: 4 };
  assert.match(begun(setting).last().sentences[0], /hat has functions on \[-1, 1\] only, and some of the points/);
});

test("a rate of nothing is refused, and the one before it stays", () => {
  const { session, last } = begun(NETWORK);
  session.receive({ kind: "rate", rate: -1 });
  assert.match(last().sentences[0], /The rate must be above 0, not -1/);
  session.receive({ kind: "step", count: 1 });
  assert.equal(last().rate, 0.05);
});
