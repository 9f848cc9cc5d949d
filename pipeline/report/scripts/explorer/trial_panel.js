// One trial: its curve beside the prediction, its fit over the target with its hidden units, its numbers and verdict.

import { createFunctionPlot } from "../drawing/function_plot.js";
import { shortNumber } from "../drawing/number_text.js";
import { createPlanePlot } from "../drawing/plane_plot.js";
import { createStepPlot, valueAt } from "../drawing/step_plot.js";
import { element } from "./elements.js";
import { fitOf, whyNoFit } from "./fit_content.js";
import { createPlayer } from "./player.js";
import { curveContent, placeOf, stepsOf } from "./step_content.js";
import { numbersOf, titleOf, verdictOf } from "./trial_words.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./choice.js").Choice} Choice */

const DIGITS = 2;  // that a page holds of curves

/**
 * The panel of the chosen trial.
 * @param {Sweep} sweep
 * @param {(change: Partial<Choice>, isLast: boolean) => void} onChange Of a change that is the last of a movement or not.
 * @returns {{whole: HTMLElement, show: (choice: Choice) => void, toggle: () => void}}
 */
export function createTrialPanel(sweep, onChange) {
  const heading = createHeading(sweep),
    curves = createCurves(sweep, (curve) => onChange({ curve }, true));
  const fit = createFit(sweep),
    numbers = element("dl", { class: "numbers" });
  let trial = -1,
    curve = "";
  const player = createPlayer((place, isLast) => {
    const steps = stepsOf(sweep, trial, curve);
    onChange({ step: place >= steps.length - 1 ? null : steps[place] }, isLast);
  });
  const whole = element(
    "section",
    { class: "trial", "aria-labelledby": "chosen-trial" },
    heading.whole,
    curves.whole,
    player.whole,
    fit.whole,
    numbers,
  );

  /** @param {Choice} choice */
  function show(choice) {
    if (choice.trial !== trial || choice.curve !== curve) {
      player.stop();
      [trial, curve] = [choice.trial, choice.curve];
      heading.show(trial);
      numbers.replaceChildren(
        ...numbersOf(sweep, trial).map(([name, text]) =>
          element("div", {}, element("dt", {}, name), element("dd", {}, text)),
        ),
      );
    }
    const steps = stepsOf(sweep, trial, curve),
      place = placeOf(steps, choice.step);
    player.show(steps, place);
    curves.show(trial, curve, steps[place] ?? 0);
    fit.show(trial, choice.step);
  }
  return { whole, show, toggle: player.toggle };
}

/** @param {Sweep} sweep */
function createHeading(sweep) {
  const title = element("h3", { id: "chosen-trial" }),
    verdict = element("p", {}),
    link = element("a", { class: "play-trial" });
  link.textContent = "Play this trial";
  /** @param {number} trial */
  function show(trial) {
    const words = verdictOf(sweep, trial),
      css = /^(agrees|contradicts)/.exec(words.verdict)?.[1] ?? "";
    title.textContent = titleOf(sweep, trial);
    verdict.replaceChildren(
      ...(words.verdict ? ["Theory: ", element("b", { class: css }, words.verdict)] : []),
      words.grounds ? ` (${words.grounds})` : "",
    );
    link.href = `playground.html?trial=${sweep.trials.id[trial]}`;
  }
  return { whole: element("div", { class: "heading" }, title, verdict, link), show };
}

/** @param {Sweep} sweep @param {(name: string) => void} onChoose */
function createCurves(sweep, onChoose) {
  const canvas = element("canvas", { class: "plot" }),
    plot = createStepPlot(canvas);
  const names = Object.keys(sweep.data.curves).map((name) => ({ name, label: labelOf(sweep, name) }));
  const buttons = names.map(({ name, label }) => {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => onChoose(name));
    return { name, button };
  });
  const chips = element(
    "div",
    { class: "chips", role: "group", "aria-label": "Curve over the steps" },
    ...buttons.map(({ button }) => button),
  );
  const legend = createCurveLegend((kinds) => {
    hidden = kinds;
    plot.show(withoutHidden());
  });
  /** @type {ReadonlySet<string>} */
  let hidden = new Set();
  /** @type {import("../drawing/step_plot.js").StepContent} */
  let content = { curves: [], title: "" };
  const withoutHidden = () => ({ ...content, curves: content.curves.filter(({ kind }) => !hidden.has(kind ?? "")) });
  /** @param {number} trial @param {string} name @param {number} step */
  function show(trial, name, step) {
    content = curveContent(sweep, trial, name, step);
    plot.show(withoutHidden());
    for (const { name: own, button } of buttons) button.ariaPressed = String(own === name);
    legend.show(content.curves, step);
  }
  return { whole: element("figure", { "aria-label": "Curve over the steps" }, chips, canvas, legend.whole), show };
}

/**
 * The curves as entries that show and hide them, with their values at the step.
 * @param {(hidden: ReadonlySet<string>) => void} onHide
 */
function createCurveLegend(onHide) {
  /** @type {Set<string>} */
  const hidden = new Set();
  const entries = /** @type {const} */ (["measured", "predicted", "other"]).map((kind) => {
    const words = element("span"),
      button = element(
        "button",
        { type: "button", "aria-pressed": "true" },
        element("i", { class: `of-${kind}` }),
        words,
      );
    button.addEventListener("click", () => {
      if (!hidden.delete(kind)) hidden.add(kind);
      button.ariaPressed = String(!hidden.has(kind));
      onHide(hidden);
    });
    return { kind, words, button };
  });
  /** @param {import("../drawing/step_plot.js").Curve[]} curves @param {number} step */
  function show(curves, step) {
    for (const { kind, words, button } of entries) {
      const curve = curves.find((one) => one.kind === kind);
      button.hidden = !curve;
      words.textContent = !curve
        ? ""
        : kind === "other"
          ? curve.name
          : `${curve.name} ${shortNumber(valueAt(curve, step), DIGITS)}`;
    }
  }
  return {
    whole: element(
      "div",
      { class: "keys", role: "group", "aria-label": "Curves that are drawn" },
      ...entries.map(({ button }) => button),
    ),
    show,
  };
}

/** @param {Sweep} sweep @param {string} name */
const labelOf = ({ data }, name) => data.diagnostics.find((one) => one.name === name)?.label ?? name;

/** @param {Sweep} sweep */
function createFit(sweep) {
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
    legend.replaceChildren(...keysOf(fit));
    plane.hidden = !("plane" in fit);
    if ("line" in fit) linePlot.show(fit.line);
    if ("plane" in fit) planePlot.show(fit.plane);
    told.textContent = "sentence" in fit ? fit.sentence : whyNoFit(sweep, trial);
    told.hidden = told.textContent === "";
  }
  return { whole: element("figure", { "aria-label": "Fit over the target" }, line, plane, legend, told), show };
}

/** @param {import("./fit_content.js").Fit} fit */
function keysOf(fit) {
  const key = (/** @type {string} */ css, /** @type {string} */ words) =>
    element("span", {}, element("i", { class: css }), words);
  if ("line" in fit) {
    const { fit: fitted, truth, points, kinks } = fit.line;
    return [
      ...(fitted ? [key("of-fit", "fit")] : []),
      ...(truth ? [key("of-truth", "target")] : []),
      ...(points ? [key("of-points", "training points")] : []),
      ...(kinks?.length ? [key("of-units", "where a unit bends")] : []),
    ];
  }
  if (!("plane" in fit)) return [];
  const { units, points } = fit.plane;
  return [
    ...(points ? [key("of-points", "training points")] : []),
    ...(units?.length ? [key("of-units", "where a unit bends")] : []),
  ];
}
