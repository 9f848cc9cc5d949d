import assert from "node:assert/strict";
import { test } from "node:test";

import { afterKey, at } from "../../../../pipeline/report/scripts/lecture/slides.js";

/** @typedef {import("../../../../pipeline/report/scripts/lecture/slides.js").Place} Place */

/** @type {Place} */
const start = { stations: ["start", "xor", "losses"], parts: [1, 3, 2], at: 0, part: 0, presenting: false };

/**
 * @param {Place} place
 * @param {...string} keys
 * @returns {[string, number]}
 */
function after(place, ...keys) {
  const end = keys.reduce(afterKey, place);
  return [end.stations[end.at], end.part];
}

test("a reader goes from station to station, and stays at both ends", () => {
  assert.deepEqual(after(start, "ArrowRight"), ["xor", 0]);
  assert.deepEqual(after(start, "ArrowRight", "ArrowRight", "ArrowRight"), ["losses", 0]);
  assert.deepEqual(after(start, "ArrowRight", "ArrowLeft", "ArrowLeft"), ["start", 0]);
});

test("one who presents goes from part to part, forward and back the same way", () => {
  const forward = ["p", ...Array(5).fill("ArrowRight")];
  assert.deepEqual(after(start, "p", "ArrowRight", "ArrowRight"), ["xor", 1]);
  assert.deepEqual(after(start, ...forward), ["losses", 1]);
  assert.deepEqual(after(start, ...forward, "ArrowLeft", "ArrowLeft"), ["xor", 2]);
  assert.deepEqual(after(start, ...forward, "Escape"), ["losses", 0]);
});

test("keys that scroll a page lead on only where one thing is shown", () => {
  for (const key of ["PageDown", "PageUp", "Home", "End"]) assert.equal(afterKey(start, key), start);
  assert.deepEqual(after(start, "p", "PageDown", "PageDown"), ["xor", 1]);
  assert.deepEqual(after(start, "p", "End", "PageUp"), ["xor", 2]);
  assert.deepEqual(after(start, "p", "End", "Home"), ["start", 0]);
  assert.deepEqual(after(start, "P", "End", "Home"), ["start", 0]); // with the shift key, or caps lock
});

test("other keys and names lead nowhere", () => {
  assert.equal(afterKey(start, "x"), start);
  assert.equal(afterKey(start, "Escape"), start);
  assert.equal(at(start, "nowhere"), start);
  assert.equal(at(start, "losses").at, 2);
});
