import assert from "node:assert/strict";
import { test } from "node:test";

import { RandomStream } from "../../../../pipeline/report/scripts/descent/random_stream.js";

test("equal names give equal numbers, others give others", () => {
  assert.deepEqual(new RandomStream("a", 1).random(9), new RandomStream("a", "1").random(9));
  assert.notDeepEqual(new RandomStream("a", 1).random(9), new RandomStream("a", 2).random(9));
});

test("a permutation has every place once, also of one and of none", () => {
  for (const size of [0, 1, 2, 64, 65]) {
    const places = new Int32Array(size);
    new RandomStream("places", size).permute(places);
    assert.deepEqual([...places].sort((a, b) => a - b), Array.from({ length: size }, (_, i) => i));
  }
});
