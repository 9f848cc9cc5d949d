import assert from "node:assert/strict";
import { test } from "node:test";

import { broken, fitted } from "../../../../pipeline/report/scripts/charts/fitting.js";

test("a title is broken between words, and each line has room", () => {
  const words = "Final loss over learning rate and width";
  const lines = broken(words, 100);
  assert.equal(lines.join(" "), words);
  assert.ok(lines.length > 1);
  assert.ok(lines.every((line) => line.length <= Math.floor(100 / 7.2)));
});

test("a word wider than the room stays whole", () => {
  assert.deepEqual(broken(["Donaudampfschifffahrt", "ab cd"], 40), ["Donaudampfschifffahrt", "ab cd"]);
});

test("panels that do not fit beside each other stand under each other, and the chart that was given stays", () => {
  const spec = {concat: [{width: 300}, {width: 300}], columns: 2};
  const narrow = fitted(spec, 390);
  assert.equal(narrow.columns, 1);
  assert.equal(narrow.concat[0].width, 300);
  assert.equal(fitted(spec, 900).columns, 2);
  assert.deepEqual(spec, {concat: [{width: 300}, {width: 300}], columns: 2});
});

test("panels stay beside each other where they have most of their width there, and fit", () => {
  const spec = {concat: [{width: 330}, {width: 330}], columns: 2};
  const chart = fitted(spec, 728), [{width}] = chart.concat;
  assert.equal(chart.columns, 2);
  assert.ok(width < 330 && 2 * (width + 85) + 24 <= 728);
  assert.equal(fitted({concat: [{width: 215}, {width: 215}, {width: 215}], columns: 3}, 728).columns, 2);
});

test("a legend gets as many columns as its longest label leaves room for", () => {
  const colour = {title: "model", scale: {domain: ["shallow relu", "linear"]}, legend: {title: null, columns: 2}};
  const chart = fitted({width: 200, encoding: {color: colour}}, 150);
  assert.equal(chart.encoding.color.legend.columns, 1);
});
