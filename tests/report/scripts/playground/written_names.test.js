import assert from "node:assert/strict";
import { test } from "node:test";

import { fieldsOf, nameOf, written } from "../../../../pipeline/report/scripts/playground/written_names.js";

test("a definition is read however it is written, and written as YAML has it", () => {
  for (const one of [{ sine: { frequency: 2 } }, { name: "sine", frequency: 2 }]) {
    assert.equal(nameOf(one), "sine");
    assert.deepEqual(fieldsOf(one), { frequency: 2 });
    assert.deepEqual(written(nameOf(one), fieldsOf(one)), { sine: { frequency: 2 } });
  }
  assert.deepEqual([nameOf("relu"), fieldsOf("relu"), written("relu", {})], ["relu", {}, "relu"]);
  assert.deepEqual([nameOf(null), nameOf(undefined), nameOf({})], ["", "", ""]);
  assert.deepEqual(fieldsOf({ relu: null }), {});
});
