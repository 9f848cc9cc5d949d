import assert from "node:assert/strict";
import { test } from "node:test";

import { HIGHEST, heightAt, padPlaces, withStroke } from "../../../../pipeline/report/scripts/playground/drawing_pad.js";

test("a stroke draws what it passes over, either way, and nothing else", () => {
  const places = padPlaces(), there = withStroke([], [-0.5, 0], [0.5, 1]), back = withStroke([], [0.5, 1], [-0.5, 0]);
  assert.deepEqual(there, back);
  assert.deepEqual(there.map(([x]) => x), places.filter((x) => Math.abs(x) <= 0.53));
  for (const [x, y] of there) assert.ok(Math.abs(y - Math.min(1, Math.max(0, x + 0.5))) < 2e-3);
});

test("a touch draws the nearest place", () => {
  assert.deepEqual(withStroke([], [0.26, 0.7], [0.26, 0.7]), [[0.25, 0.7]]);
  assert.deepEqual(withStroke([], [1, 2], [1, 2]).at(-1), [1, HIGHEST]);
});

test("what is drawn again is drawn over, and the order is that of x", () => {
  const drawn = withStroke(withStroke([], [-1, 0], [1, 0]), [-0.1, 1], [0.1, 1]);
  assert.equal(drawn.length, padPlaces().length);
  assert.ok(drawn.every(([x], place) => place === 0 || x > drawn[place - 1][0]));
  assert.equal(heightAt(drawn, 0), 1);
  assert.equal(heightAt(drawn, 0.9), 0);
});

test("between two places a drawing is straight, and beyond them level", () => {
  const drawn = [[-0.5, 1], [0.5, 3]];
  assert.deepEqual([-1, -0.5, 0, 0.5, 1].map((x) => heightAt(drawn, x)), [1, 1, 2, 3, 3]);
});
