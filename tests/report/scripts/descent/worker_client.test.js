import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { startDescent } from "../../../../pipeline/report/scripts/descent/worker_client.js";

const SETTING = { target: "sine", model: { linear: {} }, width: 3, learning_rate: 0.1, num_points: 9 };

/** What the page has: an element with the code of the worker, and a browser's Worker. */
function given(Worker) {
  globalThis.document = { getElementById: () => ({ textContent: "code" }) };
  globalThis.Worker = Worker;
}

afterEach(() => {
  delete globalThis.document;
  delete globalThis.Worker;
});

/** Answers to a setting and one step. */
function answersOf() {
  const answers = [];
  const { send, stop } = startDescent((answer) => answers.push(answer));
  send({ kind: "start", setting: SETTING });
  send({ kind: "step", count: 1 });
  return { answers, stop };
}

test("a browser without workers plays on the page itself", () => {
  given(undefined);
  const { answers, stop } = answersOf();
  assert.deepEqual(answers.map(({ kind }) => kind), ["started", "frame", "frame"]);
  stop();
});

test("so does one that refuses to start any", () => {
  given(class { constructor() { throw new Error("not from a page like this"); } });
  assert.equal(answersOf().answers.at(-1).step, 1);
});

test("so does one whose worker fails before it answers: what was asked of it is asked again", () => {
  const workers = [];
  given(class extends EventTarget { constructor() { super(); workers.push(this); } postMessage() {} });
  const { answers } = answersOf();
  assert.deepEqual(answers, []);
  workers[0].dispatchEvent(new Event("error"));
  assert.deepEqual(answers.map(({ kind }) => kind), ["started", "frame", "frame"]);
});

test("a worker that fails after it has answered is told in a sentence", () => {
  const workers = [];
  given(class extends EventTarget { constructor() { super(); workers.push(this); } postMessage() {} });
  const { answers } = answersOf();
  workers[0].dispatchEvent(new MessageEvent("message", { data: { kind: "started" } }));
  workers[0].dispatchEvent(new Event("error"));
  assert.deepEqual(answers.map(({ kind }) => kind), ["started", "refused"]);
  assert.match(answers[1].sentences[0], /stopped with an error/);
});

test("a worker that answers is told of every frame that was shown", () => {
  const told = [];
  given(class extends EventTarget {
    postMessage(message) {
      told.push(message.kind);
      if (message.kind !== "start") return;
      this.dispatchEvent(new MessageEvent("message", { data: { kind: "frame" } }));
    }
  });
  assert.deepEqual(answersOf().answers, [{ kind: "frame" }]);
  assert.deepEqual(told, ["start", "shown", "step"]);
});
