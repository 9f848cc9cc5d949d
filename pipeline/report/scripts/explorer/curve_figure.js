// The curve of a trial beside its prediction, with a legend that shows and hides.

import { shortNumber } from "../drawing/number_text.js";
import { createStepPlot, valueAt } from "../drawing/step_plot.js";
import { element } from "./elements.js";
import { curveContent, whyNoCurve } from "./step_content.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */

const DIGITS = 2; // that a page holds of curves

/**
 * The curve of a trial over its steps.
 * @param {Sweep} sweep
 * @returns {{whole: HTMLElement, show: (trial: number, name: string, step: number) => void}}
 */
export function createCurveFigure(sweep) {
  const canvas = element("canvas", { class: "plot" }),
    plot = createStepPlot(canvas);
  const legend = createCurveLegend((kinds) => {
    hidden = kinds;
    plot.show(withoutHidden());
  });
  /** @type {ReadonlySet<string>} */
  let hidden = new Set();
  /** @type {import("../drawing/step_plot.js").StepContent} */
  let content = { curves: [], title: "" };
  let shown = "";
  const told = element("p", { class: "quiet" });
  const withoutHidden = () => ({ ...content, curves: content.curves.filter(({ kind }) => !hidden.has(kind ?? "")) });
  /** @param {number} trial @param {string} name @param {number} step */
  function show(trial, name, step) {
    const wanted = `${trial} ${name}`;
    content = wanted === shown ? { ...content, mark: step } : curveContent(sweep, trial, name, step);
    shown = wanted;
    told.textContent = whyNoCurve(sweep, trial, content);
    told.hidden = told.textContent === "";
    canvas.hidden = content.curves.every(({ steps }) => steps.length === 0);
    plot.show(withoutHidden());
    legend.show(content.curves, step);
  }
  return { whole: element("figure", { "aria-label": "Curve over the steps" }, canvas, legend.whole, told), show };
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
      const curve = curves.find((one) => one.kind === kind && one.steps.length > 0);
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
