// Problem, model, width, learning rate and seed of the trial that is looked at, and what the map shows.

import { choiceOf, element } from "./elements.js";
import { createModelChoice } from "./model_choice.js";
import { LOSS } from "./step_content.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./choice.js").Axis} Axis */
/** @typedef {{axis: (axis: Axis, value: number) => void, trial: (trial: number) => void, shown: (name: string) => void,
 *   curve: (name: string) => void}} Handlers */

/**
 * The choices, those of the map and those of the trial on it; one with nothing to choose from is left out.
 * @param {Sweep} sweep
 * @param {Handlers} on
 * @returns {{ofMap: HTMLElement, ofTrial: HTMLElement, show: (choice: Choice) => void}}
 */
export function createChoices(sweep, on) {
  const { data, cells, trials } = sweep,
    shown = data.diagnostics.filter(({ name }) => Object.hasOwn(data.trials.last, name));
  const models = createModelChoice(sweep, (model) => on.axis("model", model));
  const problem = choiceOf(
    "problem",
    data.problems.map(({ label }) => label),
    (place) => on.axis("problem", place),
  );
  const width = choiceOf("width", data.widths.map(String), (place) => on.axis("width", place));
  const solved = Array.from(cells.rate).includes(-1) ? 1 : 0;
  const rates = [...(solved ? ["solver"] : []), ...sweep.rateNames];
  const rate = choiceOf(data.rate_title, rates, (place) => on.axis("rate", place - solved));
  const seeds = element("select"),
    seedLabel = element("label", { class: "choice" }, element("span", {}, "seed"), seeds);
  const quantity = choiceOf(
    "map shows",
    shown.map(({ label }) => label),
    (place) => on.shown(shown[place].name),
  );
  const names = Object.keys(data.curves).sort((a, b) => rankOf(data, a) - rankOf(data, b));
  const curve = choiceOf(
    "curve shows",
    names.map((name) => labelOf(data, name)),
    (place) => on.curve(names[place]),
  );
  seeds.addEventListener("change", () => on.trial(Number(seeds.value)));
  let cell = -1;

  /** @param {Choice} choice */
  function show(choice) {
    const now = trials.cell[choice.trial];
    models.show(cells.problem[now], cells.model[now], choice.shown);
    problem.choose(cells.problem[now]);
    width.choose(cells.width[now]);
    rate.choose(cells.rate[now] + solved);
    quantity.choose(shown.findIndex(({ name }) => name === choice.shown));
    curve.choose(names.indexOf(choice.curve));
    if (now !== cell)
      seeds.replaceChildren(
        ...sweep.trialsOf(now).map((trial) => element("option", { value: trial }, seedWords(sweep, trial))),
      );
    cell = now;
    seeds.value = String(choice.trial);
  }
  const several = (/** @type {unknown[]} */ all, /** @type {HTMLElement} */ field) => (all.length > 1 ? [field] : []);
  const ofMap = [
    ...several(data.models, models.whole),
    ...several(data.problems, problem.label),
    ...several(shown, quantity.label),
  ];
  const ofTrial = [
    ...several(data.widths, width.label),
    ...several(rates, rate.label),
    ...several(most(sweep), seedLabel),
    ...several(names, curve.label),
  ];
  return {
    ofMap: element("div", { class: "choices" }, ...ofMap),
    ofTrial: element("div", { class: "choices" }, ...ofTrial),
    show,
  };
}

/** @param {import("./run_data.js").RunData} data @param {string} name */
const labelOf = ({ diagnostics }, name) => diagnostics.find((one) => one.name === name)?.label ?? name;

/** @param {import("./run_data.js").RunData} data @param {string} name */
const rankOf = ({ criterion }, name) => (name === LOSS ? 0 : name === criterion ? 1 : 2);

/**
 * The trials of the cell that has most of them.
 * @param {Sweep} sweep
 */
const most = ({ cells, trialsOf }) =>
  Array.from(cells.trial, (_, cell) => trialsOf(cell)).reduce((a, b) => (b.length > a.length ? b : a), []);

/** @param {Sweep} sweep @param {number} trial */
function seedWords({ data, trials }, trial) {
  const sample = trials.data_seed[trial],
    seed = String(data.seeds[trials.seed[trial]]);
  return sample < 0 ? seed : `${seed}, points ${sample}`;
}
