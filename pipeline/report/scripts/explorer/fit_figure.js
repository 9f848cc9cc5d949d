// The fit of a trial over the target, with its hidden units.

import { createFunctionPlot } from "../drawing/function_plot.js";
import { createPlanePlot } from "../drawing/plane_plot.js";
import { shortNumber } from "../drawing/number_text.js";
import { element } from "./elements.js";
import { fitOf, unitWords, whyNoFit, whyNoPoints } from "./fit_content.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */

/**
 * The fit of a trial at a step.
 * @param {Sweep} sweep
 * @returns {{whole: HTMLElement, show: (trial: number, step: number | null) => void}}
 */
export function createFitFigure(sweep) {
  const line = element("canvas", { class: "plot" }),
    plane = element("canvas", { class: "plot square" });
  const linePlot = createFunctionPlot(line),
    planePlot = createPlanePlot(plane),
    told = element("p", { class: "quiet" });
  const legend = element("p", { class: "keys" });
  /** @param {number} trial @param {number | null} step */
  function show(trial, step) {
    const fit = fitOf(sweep, trial, step);
    line.hidden = !("line" in fit);
    const { task } = sweep.data.problems[sweep.cells.problem[sweep.trials.cell[trial]]];
    legend.replaceChildren(...keysOf(fit, unitWords(sweep, trial), task));
    plane.hidden = !("plane" in fit);
    if ("line" in fit) linePlot.show(fit.line);
    if ("plane" in fit) planePlot.show(fit.plane);
    const missing = [whyNoFit(sweep, trial, step), whyNoPoints(sweep, trial)].filter(Boolean).join(" ");
    told.textContent = "sentence" in fit ? fit.sentence : missing;
    told.hidden = told.textContent === "";
  }
  return { whole: element("figure", { "aria-label": "Fit over the target" }, line, plane, legend, told), show };
}

/** @param {import("./fit_content.js").Fit} fit @param {string} unit @param {string} task */
function keysOf(fit, unit, task) {
  const key = (/** @type {string} */ css, /** @type {string} */ words) =>
    element("span", {}, element("i", { class: css }), words);
  if ("line" in fit) {
    const { fit: fitted, truth, points, kinks } = fit.line;
    return [
      ...(fitted ? [key("of-fit", "fit")] : []),
      ...(truth ? [key("of-truth", "target")] : []),
      ...(points ? [key("of-points", "training points")] : []),
      ...(kinks?.length ? [key("of-units", unit)] : []),
    ];
  }
  if (!("plane" in fit)) return [];
  const { units, points, range } = fit.plane,
    [low, high] = task === "labels" ? ["no", "yes"] : range.map((value) => shortNumber(value));
  const ends = task === "classes" ? [] : [key("of-low", low), key("of-high", high)];
  return [...ends, ...(points ? [key("of-points ringed", "training points")] : []), ...(units?.length ? [key("of-units", unit)] : [])];
}
