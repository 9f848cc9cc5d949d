import assert from "node:assert/strict";
import { test } from "node:test";

import { PythonFloat, floatText, pythonJson } from "../../../../pipeline/report/scripts/descent/python_text.js";

test("floats are written as Python's repr writes them", () => {
  const known = {
    0: "0.0", 1: "1.0", "-2.5": "-2.5", 0.1: "0.1", 0.0001: "0.0001", 0.00001: "1e-05", 1.25e-7: "1.25e-07",
    123456789: "123456789.0", 1e15: "1000000000000000.0", 1e16: "1e+16", 1.5e300: "1.5e+300",
    "-1e-300": "-1e-300", 0.00012345: "0.00012345", 12.375: "12.375",
  };
  for (const [number, text] of Object.entries(known)) assert.equal(floatText(Number(number)), text);
  assert.equal(floatText(-0), "-0.0");
});

test("keys are sorted, nothing is spaced, and a whole float keeps its point", () => {
  const value = { b: [1, new PythonFloat(1)], a: { z: null, y: "text" }, c: true };
  assert.equal(pythonJson(value), '{"a":{"y":"text","z":null},"b":[1,1.0],"c":true}');
});
