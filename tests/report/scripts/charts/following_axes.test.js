import assert from "node:assert/strict";
import { test } from "node:test";

import { legendsOf } from "../../../../pipeline/report/scripts/charts/chart_legends.js";
import {
  axesOf, endsOf, followed, logTicks, parametersOfAxis, tickName,
} from "../../../../pipeline/report/scripts/charts/following_axes.js";

const WHOLE = [1e-8, 100], axis = { values: [1e-8, 1e-4, 1, 100], labelExpr: "datum.value" };
const y = { field: "error", type: "quantitative", scale: { type: "log", domain: WHOLE }, axis };
const color = { field: "name", type: "nominal", scale: { domain: ["good", "bad"] } };
const rows = [
  { name: "good", width: 2, error: 0.02 }, { name: "good", width: 4, error: 0.3 }, { name: "bad", width: 2, error: 50 },
  { name: "bad", width: 4, error: null },
];
const x = { field: "width", scale: { type: "log", domain: [2, 4] }, axis: { values: [2, 4] } };
const line = { mark: { type: "line" }, data: { name: "rows" }, encoding: { x, y, color } };
const spec = { datasets: { rows, bound: [{ error: 1e-8 }] }, layer: [line] };

/** @param {any} chart @param {string[]} hidden */
function yOf(chart, hidden) {
  const [found] = axesOf(chart, legendsOf(chart)), parameters = parametersOfAxis(found, new Map([["hidden_0", new Set(hidden)]]));
  return Object.values(parameters);
}

test("only axes with round ticks follow: that of widths stays", () => {
  assert.deepEqual(axesOf(spec, legendsOf(spec)).map(({ channel }) => channel), ["y"]);
});

test("an axis is as it was given while everything is shown, and where nothing is left to show", () => {
  for (const hidden of [[], ["good", "bad"]]) {
    assert.deepEqual(yOf(spec, hidden), [...WHOLE, axis.values, ["1e-8", "1e-4", "1", "100"]]);
  }
});

test("where an outlier is hidden the others get its room, with ticks of their own", () => {
  const [low, high, ticks, names] = /** @type {any[]} */ (yOf(spec, ["bad"]));
  assert.ok(low > 0.01 && low <= 0.02 && high >= 0.3 && high < 1, `${low} to ${high}`);
  assert.ok(ticks.includes(0.05) && names.includes("0.05"));
});

test("an axis never goes beyond the one that was given", () => {
  assert.deepEqual(endsOf([0.0001, 100], [], [0.0001, 100]), [0.0001, 100]);
});

test("what is cut off at the frame widens it to ten times beyond the others at most", () => {
  const bound = { mark: { type: "line", clip: true }, data: { name: "bound" }, encoding: { y } };
  const [low] = /** @type {any[]} */ (yOf({ ...spec, layer: [line, bound] }, ["bad"]));
  assert.ok(low > 0.02 / 10 / 2 && low < 0.02 / 10, String(low));
});

test("a series that hardly changes has an axis with two ticks at least", () => {
  const [low, high] = endsOf([1, 1.01], [], [1e-9, 1e9]);
  assert.ok(logTicks(low, high).filter((tick) => tick >= low && tick <= high).length >= 2);
});

test("what an axis follows are its parameters; without ticks of its own a layer has none", () => {
  assert.deepEqual(followed(y, "y_0").scale.domain, [{ expr: "low_y_0" }, { expr: "high_y_0" }]);
  assert.deepEqual(followed(y, "y_0").axis.values, { expr: "ticks_y_0" });
  assert.equal(followed({ ...y, axis: undefined }, "y_0").axis, undefined);
});

test("ticks and their names are those of the charts as Python draws them", () => {
  assert.deepEqual(logTicks(1e-8, 1).map(tickName), ["1e-8", "1e-6", "1e-4", "0.01", "1"]);
  assert.deepEqual(logTicks(0.02, 0.3).map(tickName), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5"]);
  assert.deepEqual(logTicks(1, 1e15).map(tickName), ["1", "1000", "1e6", "1e9", "1e12", "1e15"]);
});
