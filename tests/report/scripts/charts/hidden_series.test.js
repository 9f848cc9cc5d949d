import assert from "node:assert/strict";
import { test } from "node:test";

import { alone, parametersOf, toggled, withParameters } from "../../../../pipeline/report/scripts/charts/hidden_series.js";

const legend = { name: "hidden_0", field: "name", entries: ["a", "b", "c"] };
const key = { field: "key", type: "nominal", scale: { domain: ["theory"] }, legend: { title: null } };
const spec = {
  config: { legend: { orient: "top" } },
  layer: [{
    mark: "line", data: { name: "rows" }, transform: [{ calculate: "'theory'", as: "key" }],
    encoding: { strokeDash: key, y: { field: "loss" } },
  }],
};

test("an entry is hidden and shown again", () => {
  const hidden = toggled(legend, new Set(), "b");
  assert.deepEqual([...hidden], ["b"]);
  assert.deepEqual([...toggled(legend, hidden, "b")], []);
});

test("where the last of several would be hidden, all are shown again; the only entry of a legend can be hidden", () => {
  assert.deepEqual([...toggled(legend, new Set(["a", "c"]), "b")], []);
  assert.deepEqual([...toggled({ ...legend, entries: ["theory"] }, new Set(), "theory")], ["theory"]);
});

test("an entry is shown alone, whatever was hidden, and then all are", () => {
  for (const before of [[], ["b"], ["a", "b"]]) assert.deepEqual([...alone(legend, new Set(before), "b")], ["a", "c"]);
  assert.deepEqual([...alone(legend, new Set(["a", "c"]), "b")], []);
});

test("marks are filtered behind what their rows are made of, and the chart that was given stays", () => {
  const before = structuredClone(spec), chart = withParameters(spec, new Map([["hidden_0", new Set(["theory"])]]));
  assert.deepEqual(chart.layer[0].transform.map((/** @type {any} */ one) => Object.keys(one)[0]), ["calculate", "filter"]);
  assert.match(chart.layer[0].transform[1].filter, /hidden_0.*datum\.key/);
  assert.deepEqual(chart.params, [{ name: "hidden_0", value: ["theory"] }]);
  assert.equal(chart.config.legend.orient, "top");
  assert.deepEqual(spec, before);
});

test("parameters hold what is hidden, by legend", () => {
  assert.deepEqual(parametersOf(spec, new Map()), { hidden_0: [] });
  assert.deepEqual(parametersOf(spec, new Map([["hidden_0", new Set(["theory"])]])), { hidden_0: ["theory"] });
});
