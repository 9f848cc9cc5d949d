// A dictionary of monomials on the page: a reader chooses terms for 1 + x¹⁰, and sees the best combination of them.

import { createFunctionPlot } from "../drawing/function_plot.js";
import { shortNumber } from "../drawing/number_text.js";
import { button, element } from "../lecture/elements.js";
import { bestFit, bestNext } from "../lecture/term_fit.js";
import { USUAL } from "../playground/presets.js";
import { addressOf } from "../playground/setting_address.js";

const MOST_POWER = 12, TARGET_POWER = 10, POINTS = 201;
const ROUNDING = 1e-12;

/**
 * Let a reader choose terms in a place of the page.
 * @param {HTMLElement} place
 */
export function chooseTerms(place) {
  const x = Float64Array.from({ length: POINTS }, (_, point) => -1 + (2 * point) / (POINTS - 1));
  const y = x.map((value) => 1 + value ** TARGET_POWER);
  const dictionary = Array.from({ length: MOST_POWER + 1 }, (_, power) => x.map((value) => value ** power));
  /** @type {number[]} */
  let chosen = [0, 1];
  /** @param {number[]} next */
  const take = (next) => {
    chosen = next;
    show();
  };
  const toggle = (/** @type {number} */ term) =>
    take(chosen.includes(term) ? chosen.filter((other) => other !== term) : [...chosen, term].sort((a, b) => a - b));
  const terms = dictionary.map((_, term) => button(nameOf(term), () => toggle(term), { "aria-label": spokenName(term) }));
  const link = element("a", {}, "A greedy model in the playground");
  const canvas = element("canvas"), said = element("p", { role: "status", class: "standing" });
  place.append(
    element("div", { class: "numbers", role: "group", "aria-label": "Terms" }, ...terms),
    element(
      "div",
      { class: "moves" },
      button("The first ones", () => take(chosen.map((_, term) => term))),
      button("The best next one", () => {
        const next = bestNext(dictionary, chosen, y);
        if (next >= 0) toggle(next);
      }),
      button("None", () => take([])),
    ),
    element("div", { class: "plots" }, element("div", { class: "panel" }, canvas)),
    element("p", { class: "quiet" }, "Blue: the best combination of the chosen terms; dashed: the target."),
    said,
    element("p", {}, link, " takes its terms by itself, and learns their weights by descent."),
  );
  const plot = createFunctionPlot(canvas);

  function show() {
    const { fit, error } = bestFit(chosen.map((term) => dictionary[term]), y);
    const first = bestFit(dictionary.slice(0, chosen.length), y).error;
    terms.forEach((one, term) => one.setAttribute("aria-pressed", String(chosen.includes(term))));
    plot.show({ truth: { x, y }, fit: { x, y: fit } });
    said.textContent = inWords(chosen.length, error, first);
    link.setAttribute("href", `playground.html${addressOfGreedy(chosen.length)}`);
  }

  show();
}

/**
 * The error of chosen terms beside that of as many first ones.
 * @param {number} count
 * @param {number} error
 * @param {number} first
 * @returns {string}
 */
export function inWords(count, error, first) {
  if (count === 0) return `No terms leave an error of ${shortNumber(error)}.`;
  const told = (/** @type {number} */ value) => (value < ROUNDING ? "no error" : `an error of ${shortNumber(value)}`);
  const terms = count === 1 ? "1 term leaves" : `${count} terms leave`;
  return `${terms} ${told(error)}; the first ${count === 1 ? "one leaves" : `${count} leave`} ${told(first)}.`;
}

/**
 * Where the playground shows a greedy model of as many terms, on the same target.
 * @param {number} terms Of none it has one.
 * @returns {string} The end of an address.
 */
export function addressOfGreedy(terms) {
  const target = { one_plus_power: { power: TARGET_POWER } }, model = { greedy: { dictionary: "monomial" } };
  const setting = { ...USUAL, target, model, width: Math.max(1, terms), learning_rate: { of_limit: 0.9 } };
  return addressOf(setting, USUAL);
}

/** @param {number} power */
function nameOf(power) {
  return power < 2 ? ["1", "x"][power] : `x${superscript(power)}`;
}

/** @param {number} power */
function spokenName(power) {
  return power < 2 ? ["1", "x"][power] : `x to the power of ${power}`;
}

/** @param {number} number */
function superscript(number) {
  return [...String(number)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
}
