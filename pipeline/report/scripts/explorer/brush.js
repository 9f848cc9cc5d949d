// All trials beside the one that is looked at: over parallel axes, between bounds, and as a list.

import { createBoundFields } from "./bound_fields.js";
import { fractionOf, scaleOf } from "./colour_scale.js";
import { element } from "./elements.js";
import { createParallelAxes } from "./parallel_axes.js";
import { axesOf, within } from "./trial_axes.js";
import { createTrialList } from "./trial_list.js";

/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./sweep.js").Sweep} Sweep */

const HOW =
  "Each line is a trial. Drag along an axis to keep those that cross it there; click on the axis to keep all again.";

/**
 * The trials of a run, of which those between bounds are kept.
 * @param {Sweep} sweep
 * @param {(change: Partial<Choice>, isLast?: boolean) => void} change
 * @returns {{whole: HTMLElement, show: (choice: Choice) => void}}
 */
export function createBrush(sweep, change) {
  const axes = axesOf(sweep),
    colour = colourOf(sweep, axes);
  if (!axes.length) return { whole: element("div", { hidden: true }), show: () => {} }; // of one trial, say
  /** @type {Choice | null} */
  let now = null;
  /** @type {readonly number[]} */
  let kept = [];

  /** @param {string} name @param {[number, number] | null} range @param {boolean} [isLast] */
  function bound(name, range, isLast = true) {
    const { [name]: _, ...others } = now?.bounds ?? {};
    change({ bounds: range ? { ...others, [name]: range } : others }, isLast);
  }
  const lines = createParallelAxes(axes, bound),
    fields = createBoundFields(axes, bound);
  const list = createTrialList(axes, sweep.trials.id, sweep.data.criterion, (trial) => change({ trial }));
  const all = element("button", { type: "button" }, "All trials again");
  all.addEventListener("click", () => change({ bounds: {} }));

  /** @param {Choice} choice */
  function show(choice) {
    const isBounded = now?.bounds !== choice.bounds,
      isOther = now?.trial !== choice.trial;
    now = choice;
    if (isBounded) {
      kept = within(axes, choice.bounds);
      fields.show(choice.bounds);
      all.hidden = Object.keys(choice.bounds).length === 0;
    }
    if (!isBounded && !isOther) return;
    lines.show({ kept, bounds: choice.bounds, chosen: choice.trial, colour });
    list.show(kept, choice.trial);
  }
  const tools = element("div", { class: "brush-tools" }, fields.whole, all);
  const heading = element("h3", {}, "All trials"),
    how = element("p", { class: "quiet" }, HOW);
  return { whole: element("div", { class: "brush" }, heading, how, lines.whole, tools, list.whole), show };
}

/**
 * The colour of a trial: that of what trials are judged by, as on the map.
 * @param {Sweep} sweep
 * @param {import("./trial_axes.js").TrialAxis[]} axes
 * @returns {(trial: number) => number}
 */
function colourOf({ data }, axes) {
  const judged = axes.find(({ name }) => name === data.criterion);
  if (!judged) return () => 0.5;
  const scale = scaleOf([...judged.values]);
  return (trial) => (Number.isFinite(judged.values[trial]) ? fractionOf(judged.values[trial], scale) : 1);
}
