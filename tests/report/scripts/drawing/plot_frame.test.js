import assert from "node:assert/strict";
import { test } from "node:test";

import { drawFrame } from "../../../../pipeline/report/scripts/drawing/plot_frame.js";

const SIZE = { width: 300, height: 300 }, COLOURS = { font: "12px sans", line: "#ddd", quiet: "#666" };
const axis = { kind: "linear", low: 0, high: 1, title: "" };

/** What is written beside the axes, and where; letters are 7 pixels wide. */
function written(ticks) {
  const words = [], pen = { measureText: (text) => ({ width: 7 * text.length }), beginPath() {}, moveTo() {}, lineTo() {}, stroke() {} };
  pen.fillText = (text, x, y) => words.push({ text, x, y, align: pen.textAlign });
  const { inside } = drawFrame(pen, SIZE, { x: axis, y: axis }, COLOURS, ticks);
  const labels = words.filter(({ text }) => text);
  return { inside, up: labels.filter(({ align }) => align === "right"), across: labels.filter(({ align }) => align === "center") };
}

test("axes of one kind have the same ticks where they are to be alike", () => {
  const { up, across } = written({ alike: true });
  assert.deepEqual(up.map(({ text }) => text), across.map(({ text }) => text));
  const own = written({});
  assert.ok(own.up.length > own.across.length);
});

test("words stay clear of marks that reach beyond the axes", () => {
  const { inside, up, across } = written({ beside: 9 });
  for (const { x } of up) assert.ok(x < inside.left - 9);
  for (const { y } of across) assert.ok(y > inside.bottom + 9);
  assert.ok(Math.min(...up.map(({ x, text }) => x - 7 * text.length)) >= 0);
});
