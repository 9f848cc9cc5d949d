import assert from "node:assert/strict";
import { test } from "node:test";

import { legendsOf, legendsOfLayer } from "../../../../pipeline/report/scripts/charts/chart_legends.js";

const models = { field: "name", type: "nominal", scale: { domain: ["linear", "shallow"] } };
const theory = { field: "key", type: "nominal", scale: { domain: ["theory"] } };
const loss = { field: "loss", type: "quantitative", scale: { domain: [0.1, 1] } };
const lines = { encoding: { color: models, shape: models } }, dashed = { encoding: { color: models, strokeDash: theory } };
const cells = { encoding: { color: loss, opacity: models, stroke: { ...theory, legend: null } } };

test("colour and symbol of one column are one legend, which all plots share; a colour bar is none", () => {
  const legends = legendsOf({ concat: [{ layer: [lines, cells] }, { layer: [dashed, { mark: "rule" }] }] });
  assert.deepEqual(legends.map(({ field, entries }) => [field, entries]), [["name", ["linear", "shallow"]], ["key", ["theory"]]]);
  assert.equal(new Set(legends.map(({ name }) => name)).size, 2);
});

test("a layer is in the legends of its own channels, and each legend has it once", () => {
  const legends = legendsOf({ layer: [lines, dashed, cells] });
  assert.deepEqual([lines, dashed, cells].map((layer) => legendsOfLayer(layer, legends).length), [1, 2, 0]);
});

test("a chart without layers has its legends, too", () => {
  assert.equal(legendsOf(lines).length, 1);
});
