// The figures of the trial that is played: its fit, its loss beside the prediction, and its sharpness.

import { contraction } from "../descent/modes.js";
import { createFunctionPlot } from "../drawing/function_plot.js";
import { createPlanePlot } from "../drawing/plane_plot.js";
import { createStepPlot } from "../drawing/step_plot.js";
import { lineView, outputsView, planeView } from "../playground/fit_views.js";
import { createModePlot } from "../playground/mode_plot.js";

/** @typedef {import("./live_trial.js").LiveTrial} LiveTrial */
/** @typedef {import("./described_trial.js").Described} Described */
/** @typedef {import("../drawing/step_plot.js").Curve} Curve */

/**
 * @typedef {object} Figures
 * @property {(live: LiveTrial) => void} show Draws what the trial is now.
 * @property {() => import("../drawing/plot_frame.js").Frame | null} frame Where values stand in the figure of the fit.
 */

/**
 * The figures of a page.
 * @param {(id: string) => HTMLElement} find An element by its id.
 * @returns {Figures}
 */
export function createFigures(find) {
  const canvas = (/** @type {string} */ id) => /** @type {HTMLCanvasElement} */ (find(id));
  const fit = createFunctionPlot(canvas("fit")), plane = createPlanePlot(canvas("plane"));
  const loss = createStepPlot(canvas("loss")), sharpness = createStepPlot(canvas("sharpness"));
  const modes = createModePlot(canvas("modes"));
  /** @type {Described | null} Whose modes are shown. */
  let last = null;
  const show = (/** @type {LiveTrial} */ live) => {
    const { started } = live;
    if (started === null) return;
    const flat = started.dimension === 2;
    find("fit-place").hidden = flat;
    find("plane-place").hidden = !flat;
    if (flat) plane.show(planeView(started, live.frame));
    else fit.show(started.dimension > 2 ? outputsView(started, live.frame) : lineView(started, live.frame));
    find("line-keys").hidden = started.dimension !== 1;
    find("truth-key").hidden = started.isTable;
    find("plane-keys").hidden = !flat || started.task === "classes";
    find("class-keys").hidden = !flat || started.task !== "classes";
    find("ghost-key").hidden = live.ghost === null;
    const bends = live.frame?.units.some((unit) => unit.kink !== undefined || unit.slopes !== undefined);
    find("unit-key").hidden = !bends;
    write(find("unit-key"), flat ? "units, where their sum is 0" : "where units bend");
    find("theory-key").hidden = !started.predicted;
    write(find("theory-key"), nameOfPrediction(started));
    find("sharpness-figure").hidden = started.isLinear;
    loss.show(lossOf(started, live));
    if (!started.isLinear) sharpness.show(sharpnessOf(started, live));
    if (started === last) return;
    last = started;
    const shown = modesOf(started);
    find("modes-figure").hidden = shown.length === 0;
    modes.show(shown);
  };
  return { show, frame: fit.frame };
}

/**
 * A text where it is another one: the page lays out again what is written, at every frame.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {LiveTrial} live */
function lastStep({ last, frame }) {
  return Math.max(frame?.step ?? 0, Number.isFinite(last) ? last : 0, 1);
}

/** @param {Described} started */
function nameOfPrediction({ isLinear }) {
  return isLinear ? "predicted" : "of the linearised network";
}

/**
 * @param {Described} started
 * @param {LiveTrial} live
 */
function lossOf(started, live) {
  const { ghost, losses } = live, { predicted } = started;
  /** @type {Curve[]} */
  const curves = [];
  if (ghost) curves.push({ name: "before the last change", steps: ghost.steps, values: ghost.values, kind: "before" });
  curves.push({ name: "training loss", steps: losses.steps, values: losses.values });
  if (predicted) curves.push({ name: nameOfPrediction(started), ...predicted, kind: "predicted" });
  return { curves, title: "training loss", last: lastStep(live) };
}

/**
 * @param {Described} started
 * @param {LiveTrial} live
 */
function sharpnessOf({ bound }, live) {
  const { steps, values } = live.sharpness, last = lastStep(live);
  /** @type {Curve[]} */
  const curves = [{ name: "sharpness", steps, values }];
  if (bound) curves.push({ name: "largest stable one", steps: [0, last], values: [bound, bound], kind: "bound" });
  return { curves, title: "sharpness", last };
}

const LEAST = 1e-12;  // of the greatest eigenvalue: what is smaller is rounding

/**
 * The modes of a quadratic whose rule is a linear recurrence.
 * @param {Described} started
 */
function modesOf({ eigenvalues, recurrence, rate }) {
  if (!recurrence) return [];
  const greatest = Math.max(...eigenvalues), { momentum, nesterov } = recurrence;
  return Array.from(eigenvalues)
    .filter((eigenvalue) => eigenvalue > LEAST * greatest)
    .map((eigenvalue) => ({ eigenvalue, factor: contraction(rate * eigenvalue, momentum, nesterov) }));
}
