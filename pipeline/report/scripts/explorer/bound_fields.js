// Bounds of trials as fields, for those who do not drag on an axis.

import { element } from "./elements.js";

/** @typedef {import("./trial_axes.js").TrialAxis} TrialAxis */
/** @typedef {import("./address.js").Bounds} Bounds */

/**
 * A group of fields for each axis.
 * @param {readonly TrialAxis[]} axes
 * @param {(name: string, bound: [number, number] | null) => void} onBound
 * @returns {{whole: HTMLElement, show: (bounds: Bounds) => void}}
 */
export function createBoundFields(axes, onBound) {
  const fields = axes.map((axis) => (axis.kind === "words" ? wordField(axis, onBound) : numberFields(axis, onBound)));
  const whole = element(
    "details",
    { class: "bounds" },
    element("summary", {}, "Bounds in numbers"),
    element("div", { class: "bound-fields" }, ...fields.map(({ group }) => group)),
  );
  return { whole, show: (bounds) => fields.forEach((field, place) => field.show(bounds[axes[place].name])) };
}

/** @typedef {{group: HTMLElement, show: (bound: [number, number] | undefined) => void}} Field */

/**
 * @param {TrialAxis} axis
 * @param {(name: string, bound: [number, number] | null) => void} onBound
 * @returns {Field}
 */
function wordField({ name, label, words, least, greatest }, onBound) {
  const options = words.map((word, place) => element("option", { value: place }, word)).slice(least, greatest + 1);
  const select = element("select", {}, element("option", { value: "" }, "any"), ...options);
  select.addEventListener("change", () =>
    onBound(name, select.value === "" ? null : [Number(select.value), Number(select.value)]),
  );
  return {
    group: element("label", { class: "choice" }, element("span", {}, label), select),
    show: (bound) => {
      select.value = bound && bound[0] === bound[1] ? String(bound[0]) : "";
    },
  };
}

/**
 * @param {TrialAxis} axis
 * @param {(name: string, bound: [number, number] | null) => void} onBound
 * @returns {Field}
 */
function numberFields({ name, label, lowest, greatest }, onBound) {
  const [from, to] = ["least", "greatest"].map((end) =>
    element("input", { type: "text", inputmode: "decimal", "aria-label": `${label}, ${end}`, autocomplete: "off" }),
  );
  function changed() {
    const low = from.value.trim() === "" ? lowest : Number(from.value),
      high = to.value.trim() === "" ? greatest : Number(to.value);
    const isRange = low <= high;
    for (const field of [from, to]) field.ariaInvalid = String(!isRange);
    if (isRange) onBound(name, from.value.trim() === "" && to.value.trim() === "" ? null : [low, high]);
  }
  for (const field of [from, to]) field.addEventListener("change", changed);
  return {
    group: element(
      "div",
      { class: "choice", role: "group", "aria-label": label },
      element("span", {}, label),
      element("span", { class: "ends" }, from, "to", to),
    ),
    show: (bound) => {
      from.value = bound ? String(bound[0]) : "";
      to.value = bound ? String(bound[1]) : "";
    },
  };
}
