// What a person chooses of a trial: the function, the model, and how it descends.

import { DEFINITIONS } from "../descent/definitions.js";
import { LOSSES } from "../descent/losses.js";
import { readSetting, targetOf } from "../descent/setting.js";
import { DefinitionField, labelled } from "../playground/definition_field.js";
import { numberSlider } from "../playground/number_slider.js";
import { PIECEWISE_LINEAR } from "../playground/described_trial.js";
import { adapted } from "../playground/adapted_setting.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */
/** @typedef {import("../descent/setting.js").Content} Content */
/** @typedef {import("./definition_field.js").Summaries} Summaries */

export const DRAWN = "drawn";
const POINTS = [4, 6, 8, 10, 12, 14, 16, 20, 25, 32, 36, 49, 64, 81, 100, 128, 144, 196, 256];
const WIDTHS = Array.from({ length: 64 }, (_, place) => place + 1);
const ALL = "all", BATCHES = [ALL, "1", "4", "16", "64"];
const NOISES = Array.from({ length: 21 }, (_, place) => place / 20);

/**
 * @typedef {object} Choices
 * @property {(setting: Setting) => void} show What is chosen elsewhere.
 */

/**
 * Fill a form with all that can be chosen.
 * @param {HTMLFormElement} form Gets the controls.
 * @param {Summaries} summaries One sentence on each definition.
 * @param {(setting: Setting) => void} choose Called with each change.
 * @returns {Choices}
 */
export function createChoices(form, summaries, choose) {
  /** @type {Setting} */
  let setting = { model: "shallow", width: 1, learning_rate: 1 };
  const change = (/** @type {Partial<Setting>} */ changes) => choose({ ...setting, ...changes });
  const changeInputs = (/** @type {object} */ changes) => change({ inputs: { ...setting.inputs, ...changes } });
  const pick = (/** @type {Partial<Setting>} */ changes) => choose(adapted({ ...setting, ...changes }));

  const drawing = { [DRAWN]: "Draw over the figure: mouse, finger, arrow keys." };
  const told = { ...summaries, target: { ...summaries.target, ...drawing } };
  const target = new DefinitionField("Function", "target", told, (written) => pick(ofTarget(setting, written)));
  const functions = Object.keys(DEFINITIONS.target).filter((name) => name !== PIECEWISE_LINEAR);
  const dimension = listOf("Inputs", ["1", "2"], (text) => pick(ofInputs(setting, Number(text))));
  const measure = new DefinitionField("Distribution", "measure", summaries, (written) => {
    pick({ inputs: { ...setting.inputs, measure: written } });
  });
  const points = numberSlider("Training points", POINTS, (value) => pick({ num_points: value }));
  const noise = numberSlider("Noise", NOISES, (value) => change({ noise: value }));
  const pointsSeed = seedField("Seed of the points", (seed) => changeInputs({ seed }));

  const model = new DefinitionField("Model", "model", summaries, (written) => pick({ model: written }));
  const width = numberSlider("Width", WIDTHS, (value) => pick({ width: value }));

  const loss = new DefinitionField("Loss", "loss", summaries, (written) => change({ loss: written }));
  const optimizer = new DefinitionField("Optimizer", "optimizer", summaries, (written) => {
    change({ optimizer: written });
  });
  const batch = listOf("Batch size", BATCHES, (text) => change({ batch_size: Number(text) || null }));
  const seed = seedField("Seed of the weights", (value) => change({ seed: value }));

  const where = more("Where the points lie", [measure, pointsSeed]);
  form.append(
    group("Function", [target, dimension, points, noise, where]),
    group("Model", [model, width]),
    group("Descent", [optimizer, loss, batch, seed]),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  const show = (/** @type {Setting} */ next) => {
    setting = next;
    const content = contentOf(next);
    const task = content?.task ?? "regression", { data } = next;
    form.dataset.inputs = String(content?.dimension ?? 1);
    target.offer([...functions, DRAWN, ...(data ? [data.label] : [])]);
    target.show(data ? data.label : next.drawn ? DRAWN : next.target);
    dimension.show(String(content?.dimension ?? 1));
    dimension.element.hidden = (data ?? next.drawn) !== undefined || (content !== null && targetOf(content).dimensions !== null);
    points.show(content?.numPoints ?? next.num_points ?? POINTS[0]);
    noise.show(next.noise ?? 0);
    noise.element.hidden = task !== "regression" || data !== undefined;
    points.element.hidden = data !== undefined;
    where.element.hidden = data !== undefined;
    measure.show(next.inputs?.measure ?? content?.measure.name ?? "uniform");
    pointsSeed.show(next.inputs?.seed ?? 0);
    model.show(next.model);
    width.show(next.width);
    loss.offer(Object.keys(LOSSES).filter((name) => LOSSES[name].tasks.includes(task)));
    loss.show(next.loss ?? content?.loss.name ?? "half_mean_square");
    optimizer.show(next.optimizer ?? "gradient_descent");
    batch.show(String(next.batch_size ?? ALL));
    seed.show(next.seed ?? 0);
  };
  return { show };
}

/**
 * What changes with the function: its own points and loss, and no drawing any more.
 * @param {Setting} setting
 * @param {any} written
 * @returns {Partial<Setting>}
 */
function ofTarget(setting, written) {
  const own = { inputs: { seed: setting.inputs?.seed ?? 0 }, loss: null, data: undefined };
  return written === DRAWN ? { ...own, drawn: [] } : { ...own, target: written, drawn: undefined };
}

/**
 * @param {Setting} setting
 * @param {number} dimension
 * @returns {Partial<Setting>}
 */
function ofInputs(setting, dimension) {
  return { inputs: { ...setting.inputs, dimension } };
}

/**
 * @param {Setting} setting
 * @returns {Content | null}
 */
function contentOf(setting) {
  try {
    return readSetting(setting);
  } catch {
    return null;
  }
}

/**
 * @param {string} title
 * @param {{element: HTMLElement}[]} parts
 */
function group(title, parts) {
  const set = document.createElement("fieldset"), legend = document.createElement("legend");
  legend.textContent = title;
  set.append(legend, ...parts.map((part) => part.element));
  return set;
}

/**
 * What few want to change, folded away.
 * @param {string} title
 * @param {{element: HTMLElement}[]} parts
 */
function more(title, parts) {
  const element = document.createElement("details"), summary = document.createElement("summary");
  summary.textContent = title;
  element.append(summary, ...parts.map((part) => part.element));
  return { element };
}

/**
 * @param {string} label
 * @param {string[]} values
 * @param {(value: string) => void} choose
 */
function listOf(label, values, choose) {
  const list = document.createElement("select");
  list.append(...values.map((value) => new Option(value, value)));
  list.addEventListener("change", () => choose(list.value));
  const show = (/** @type {string} */ value) => {
    if (!Array.from(list.options).some((option) => option.value === value)) list.append(new Option(value, value));
    list.value = value;
  };
  return { element: labelled(label, list), show };
}

/**
 * A whole number from 0, and a button for the next one.
 * @param {string} label
 * @param {(seed: number) => void} choose
 */
function seedField(label, choose) {
  const input = document.createElement("input"), next = document.createElement("button");
  input.type = "number";
  input.min = "0";
  input.step = "1";
  next.type = "button";
  next.textContent = "Next";
  next.setAttribute("aria-label", `Next ${label.toLowerCase()}`);
  input.addEventListener("change", () => {
    if (input.reportValidity() && input.value !== "") choose(Number(input.value));
  });
  next.addEventListener("click", () => choose(Number(input.value) + 1));
  const element = labelled(label, input);
  element.append(next);
  return { element, show: (/** @type {number} */ seed) => { input.value = String(seed); } };
}
