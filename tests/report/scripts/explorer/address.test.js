import assert from "node:assert/strict";
import { test } from "node:test";

import { namesPlace, readAddress, writeAddress } from "../../../../pipeline/report/scripts/explorer/address.js";

const CHOICE = {
  trial: "ab12ef",
  step: 128,
  shown: "test_error",
  curve: "loss",
  bounds: { width: [2, 8], loss: [1e-300, Infinity] },
};

test("what is written into an address is read from it", () => {
  assert.deepEqual(readAddress(writeAddress(CHOICE)), { ...CHOICE, faults: [] });
});

test("nothing is written of what the page shows by itself", () => {
  assert.equal(writeAddress({ trial: "ab", step: null, shown: "", curve: "", bounds: {} }), "#trial=ab");
  assert.deepEqual(readAddress(""), { trial: "", step: null, shown: "", curve: "", bounds: {}, faults: [] });
});

test("a question mark names a trial, too, and the sharp goes before it", () => {
  assert.equal(readAddress("", "?trial=ab12").trial, "ab12");
  assert.equal(readAddress("#trial=cd", "?trial=ab12").trial, "cd");
});

test("a place on the page is no choice", () => {
  assert.ok(namesPlace("#title-error_by_width"));
  assert.deepEqual(readAddress("#title-error_by_width").faults, []);
  for (const hash of ["", "#", "#trial=ab", "#trial"]) assert.ok(!namesPlace(hash));
});

for (const [hash, words] of [
  ["#trial=<b>", "names no trial: “<b>”"],
  ["#trial", null],
  ["#step=-1", "names no step: “-1”"],
  ["#step=1e400", "names no step"],
  ["#only=width", "names no range of values: “width”"],
  ["#only=width:9..2", "names no range of values"],
  ["#only=width:..2", "names no range of values"],
  ["#trail=ab", "does not know: “trail”"],
  ["#trial=%E0%A4%A", "names no trial"],
]) {
  test(`a damaged address gets a sentence: ${hash}`, () => {
    const { faults } = readAddress(String(hash));
    if (words === null) assert.deepEqual(faults, []);
    else assert.ok(faults.length === 1 && faults[0].includes(words), String(faults));
  });
}

test("what an address names as columns stays text", () => {
  const { bounds } = readAddress("#only=__proto__:1..2&only=width:1..2");
  assert.deepEqual(Object.keys(bounds).sort(), ["__proto__", "width"]);
  assert.equal(/** @type {any} */ ({}).width, undefined);
});
