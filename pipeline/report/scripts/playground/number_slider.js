// A whole number or a fraction that is chosen by a slider, with its value beside it.

import { shortNumber } from "../drawing/number_text.js";

/**
 * A slider over given values, evenly spaced however far they are apart.
 * @param {string} label Its name.
 * @param {number[]} values In order; what lies between two of them can be shown, not chosen.
 * @param {(value: number) => void} choose Called while it moves.
 * @returns {{element: HTMLElement, show: (value: number) => void}}
 */
export function numberSlider(label, values, choose) {
  const element = document.createElement("div"), name = document.createElement("label");
  const input = document.createElement("input"), output = document.createElement("output");
  input.type = "range";
  input.min = "0";
  input.max = String(values.length - 1);
  input.id = `slider-${label.replace(/\W/g, "-")}`;
  name.htmlFor = input.id;
  name.textContent = label;
  element.className = "field slider";
  const say = (/** @type {number} */ value) => {
    output.textContent = shortNumber(value);
    input.setAttribute("aria-valuetext", shortNumber(value));
  };
  input.addEventListener("input", () => {
    say(values[Number(input.value)]);
    choose(values[Number(input.value)]);
  });
  element.append(name, input, output);
  const show = (/** @type {number} */ value) => {
    input.value = String(nearest(values, value));
    say(value);
  };
  return { element, show };
}

/**
 * The place of the value nearest to a number.
 * @param {number[]} values In order.
 * @param {number} number Any.
 * @returns {number} From 0.
 */
export function nearest(values, number) {
  let best = 0;
  values.forEach((value, place) => {
    if (Math.abs(value - number) < Math.abs(values[best] - number)) best = place;
  });
  return best;
}
