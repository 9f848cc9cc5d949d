import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { sha256, sha256Digits } from "../../../../pipeline/report/scripts/descent/sha256.js";

test("digests are those of the standard's examples", () => {
  assert.equal(sha256Digits(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(sha256Digits("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("texts of every length around a block, and beyond ASCII, have the digest that Node gives them", () => {
  for (const length of [54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const text = "é" + "x".repeat(length - 2);
    assert.deepEqual(Buffer.from(sha256(text)), createHash("sha256").update(text).digest());
  }
});
