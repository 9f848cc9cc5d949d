// All that the explorer of a page says of its trials, as JSON: `node read_page.js report.html`.

import { readFileSync } from "node:fs";

import { fitOf } from "../../../../pipeline/report/scripts/explorer/fit_content.js";
import { valuesOf } from "../../../../pipeline/report/scripts/explorer/map_content.js";
import { createSweep } from "../../../../pipeline/report/scripts/explorer/sweep.js";
import { numbersOf, titleOf, verdictOf } from "../../../../pipeline/report/scripts/explorer/trial_words.js";

const page = readFileSync(process.argv[2], "utf8"),
  data = JSON.parse(/<script type="application\/json" id="run-data">(.*?)<\/script>/s.exec(page)?.[1] ?? "");
const sweep = createSweep(data),
  names = Object.keys(data.trials.last);

/** @param {number} trial */
function told(trial) {
  const cell = sweep.trials.cell[trial];
  return {
    title: titleOf(sweep, trial),
    numbers: Object.fromEntries(numbersOf(sweep, trial)),
    verdict: verdictOf(sweep, trial),
    last: Object.fromEntries(names.map((name) => [name, sweep.last(name)[trial]])),
    mapped: Object.fromEntries(names.map((name) => [name, valuesOf(sweep, name)(cell)])),
    members: sweep.trialsOf(cell).map((one) => sweep.trials.id[one]),
    curves: Object.fromEntries(Object.keys(data.curves).map((name) => [name, [...sweep.curve(name, trial)]])),
    fits: (sweep.framesOf(trial)?.steps ?? []).flatMap((step) => drawn(trial, step)),
  };
}

/** @param {number} trial @param {number} step */
function drawn(trial, step) {
  const fit = fitOf(sweep, trial, step);
  if (!("line" in fit) || !fit.line.fit) return [];
  const { fit: samples, kinks } = fit.line;
  return [{ step, x: Array.from(samples.x), y: Array.from(samples.y), kinks: kinks ? Array.from(kinks) : null }];
}

const words = (/** @type {string} */ _, /** @type {unknown} */ value) =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
const trials = Object.fromEntries(sweep.trials.id.map((id, trial) => [id, told(trial)]));
console.log(JSON.stringify({ trials, steps: [...sweep.steps], sentences: data.sentences }, words));
