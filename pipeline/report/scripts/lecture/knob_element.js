// A knob on the page: a slider over numbers, or a list of names.

import { element } from "../lecture/elements.js";
import { choiceOf } from "../lecture/live_setting.js";

/** @typedef {import("./live_setting.js").Knob} Knob */
/** @typedef {import("./live_setting.js").Setting} Setting */

/**
 * A knob at the choice that a setting has.
 * @param {Knob} knob
 * @param {Setting} setting
 * @param {string} id That no other element of the page has.
 * @param {(value: any) => void} turned Called with each value that is chosen.
 * @returns {HTMLElement}
 */
export function knobElement(knob, setting, id, turned) {
  const at = Math.max(0, choiceOf(setting, knob));
  return knob.isOrdered ? slider(knob, at, id, turned) : list(knob, at, id, turned);
}

/**
 * @param {Knob} knob
 * @param {number} at
 * @param {string} id
 * @param {(value: any) => void} turned
 */
function slider(knob, at, id, turned) {
  const most = String(knob.choices.length - 1);
  const input = element("input", { type: "range", id, min: "0", max: most, step: "1", value: String(at) });
  const output = element("output", { for: id });
  const say = () => {
    output.textContent = knob.choices[Number(input.value)][0];
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => {
    say();
    turned(knob.choices[Number(input.value)][1]);
  });
  say();
  return element("div", { class: "knob" }, element("label", { for: id }, `${knob.label}: `), output, input);
}

/**
 * @param {Knob} knob
 * @param {number} at
 * @param {string} id
 * @param {(value: any) => void} turned
 */
function list(knob, at, id, turned) {
  const options = knob.choices.map(([label], place) => element("option", { value: String(place) }, label));
  const select = element("select", { id }, ...options);
  select.value = String(at);
  select.addEventListener("change", () => turned(knob.choices[Number(select.value)][1]));
  return element("div", { class: "knob" }, element("label", { for: id }, knob.label), select);
}
