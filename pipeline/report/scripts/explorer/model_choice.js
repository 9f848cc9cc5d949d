// Models as the entries of a legend that is chosen from: in the colours of every figure, each with its map in small.

import { choiceOf, element } from "./elements.js";
import { mapOf } from "./map_content.js";
import { miniMap } from "./mini_map.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {{whole: HTMLElement, show: (problem: number, model: number, shown: string) => void}} ModelChoice */

const MOST_ENTRIES = 8;

/**
 * The choice of a model; of many it is a list of their names.
 * @param {Sweep} sweep
 * @param {(model: number) => void} onChoose
 * @returns {ModelChoice}
 */
export function createModelChoice(sweep, onChoose) {
  const labels = sweep.data.models.map(({ label }) => label);
  if (labels.length <= MOST_ENTRIES) return createEntries(sweep, labels, onChoose);
  const { label, choose } = choiceOf("model", labels, onChoose);
  return { whole: label, show: (_, model) => choose(model) };
}

/**
 * @param {Sweep} sweep
 * @param {string[]} labels
 * @param {(model: number) => void} onChoose
 * @returns {ModelChoice}
 */
function createEntries(sweep, labels, onChoose) {
  let drawn = "";
  const buttons = labels.map((label, model) => {
    const button = element("button", { type: "button" }, element("span", {}, dot(model), label));
    button.addEventListener("click", () => onChoose(model));
    return button;
  });
  /** @param {number} problem @param {number} model @param {string} shown */
  function show(problem, model, shown) {
    const wanted = `${problem} ${shown}`;
    buttons.forEach((button, place) => {
      button.ariaPressed = String(place === model);
      if (wanted === drawn) return;
      button.querySelector(".mini-map")?.remove();
      button.prepend(miniMap(mapOf(sweep, problem, place, shown).map));
    });
    drawn = wanted;
  }
  return { whole: element("div", { class: "models", role: "group", "aria-label": "model" }, ...buttons), show };
}

/** @param {number} model */
function dot(model) {
  const made = element("i");
  made.style.background = `var(--model-${model})`;
  return made;
}
