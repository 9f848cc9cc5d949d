// The curve of a trial over its steps, and the steps that the slider goes through.

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("../drawing/step_plot.js").StepContent} StepContent */
/** @typedef {import("../drawing/step_plot.js").Curve} Curve */

export const LOSS = "loss";

/**
 * The steps that the slider goes through: those with a fit, or else those at which anything of the curve was recorded.
 * @param {Sweep} sweep
 * @param {number} trial
 * @param {string} name Of the curve.
 * @returns {number[]}
 */
export function stepsOf(sweep, trial, name) {
  const frames = sweep.framesOf(trial);
  return frames && frames.steps.length > 1 ? frames.steps : recorded(sweep.steps, sweep.curve(name, trial)).steps;
}

/**
 * The place of a step among others: the last that is not beyond it.
 * @param {readonly number[]} steps
 * @param {number | null} step Null is the last.
 * @returns {number} 0 where all are beyond it.
 */
export function placeOf(steps, step) {
  const last = steps.length - 1;
  return Math.max(0, step === null ? last : steps.findLastIndex((one) => one <= step));
}

/**
 * What is drawn of a trial over its steps: below it the trials of the same seed at other learning rates, and beside a
 * training loss what theory predicts.
 * @param {Sweep} sweep
 * @param {number} trial
 * @param {string} name Of the diagnostic.
 * @param {number} mark
 * @returns {StepContent}
 */
export function curveContent(sweep, trial, name, mark) {
  const { label, logarithmic } = sweep.data.diagnostics.find((one) => one.name === name) ?? {
    label: name,
    logarithmic: true,
  };
  const measured = recorded(sweep.steps, sweep.curve(name, trial));
  /** @type {Curve[]} */
  const curves = atOtherRates(sweep, trial).map((other) => ({
    name: "other learning rates",
    ...recorded(sweep.steps, sweep.curve(name, other)),
    kind: "other",
  }));
  curves.push({ name: label, ...measured, kind: "measured" });
  const theory = name === LOSS ? sweep.predicted(trial) : null;
  const predicted = theory ? recorded(sweep.steps, theory) : null;
  if (predicted?.steps.length) curves.push({ name: "predicted", ...predicted, kind: "predicted" });
  return { curves, title: label, mark, linearValues: !logarithmic };
}

/**
 * What is said where nothing is known of the curve of a trial.
 * @param {Sweep} sweep
 * @param {number} trial
 * @param {StepContent} content
 * @returns {string} Empty where something is.
 */
export function whyNoCurve({ data, trials }, trial, { curves, title }) {
  if (curves.some(({ kind, steps }) => kind === "measured" && steps.length > 0)) return "";
  const status = data.statuses[trials.status[trial]],
    isPending = status === "pending",
    what = title === "" ? "Nothing" : `No ${title}`;
  if (status === "unreadable") return "What was recorded of this trial cannot be read.";
  return `${what} of this trial ${isPending ? "has been recorded yet" : "was recorded on the way"}.`;
}

/**
 * The trials of the same problem, model, width and seed at other learning rates.
 * @param {Sweep} sweep
 * @param {number} trial
 * @returns {number[]}
 */
export function atOtherRates({ cells, trials, trialsOf }, trial) {
  const own = trials.cell[trial],
    same = /** @type {const} */ (["problem", "model", "width"]);
  const others = Array.from(cells.problem, (_, cell) => cell).filter(
    (cell) => cell !== own && same.every((axis) => cells[axis][cell] === cells[axis][own]),
  );
  return others.flatMap(
    (cell) =>
      trialsOf(cell).find(
        (other) => trials.seed[other] === trials.seed[trial] && trials.data_seed[other] === trials.data_seed[trial],
      ) ?? [],
  );
}

/**
 * The steps with a value, and their values.
 * @param {Int32Array} steps
 * @param {import("./decoding.js").Numbers} values
 * @returns {{steps: number[], values: number[]}}
 */
export function recorded(steps, values) {
  const places = Array.from(values, (value, place) => (Number.isNaN(value) ? -1 : place)).filter((place) => place >= 0);
  return { steps: places.map((place) => steps[place]), values: places.map((place) => values[place]) };
}
