// The trials between bounds, as a table that sorts by every axis and from which one is chosen.

import { element } from "./elements.js";
import { sortedBy, wordsOn } from "./trial_axes.js";

/** @typedef {import("./trial_axes.js").TrialAxis} TrialAxis */

const MOST_ROWS = 100,
  SHORT_ID = 8;

/**
 * The table.
 * @param {readonly TrialAxis[]} axes
 * @param {readonly string[]} ids
 * @param {string} first Name of the axis that it is sorted by at first.
 * @param {(trial: number) => void} onChoose
 * @returns {{whole: HTMLElement, show: (kept: readonly number[], chosen: number) => void}}
 */
export function createTrialList(axes, ids, first, onChoose) {
  let order = { axis: axes.find(({ name }) => name === first) ?? axes[0], falls: false };
  /** @type {readonly number[]} */
  let kept = [];
  let chosen = -1;
  const body = element("tbody"),
    told = element("p", { class: "quiet", role: "status" });
  const heads = axes.map((axis) => {
    const button = element("button", { type: "button", class: "sort" }, axis.label);
    const head = element("th", { scope: "col", class: axis.kind === "words" ? "" : "number" }, button);
    button.addEventListener("click", () => {
      order = { axis, falls: order.axis === axis && !order.falls };
      sort();
    });
    return head;
  });
  const head = element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "trial"), ...heads));

  /** @type {number[]} */
  let rows = [];

  function sort() {
    rows = sortedBy(kept, order.axis, order.falls).slice(0, MOST_ROWS);
    fill();
  }

  function fill() {
    const hadFocus = body.contains(document.activeElement);
    body.replaceChildren(...rows.map((trial) => rowOf(axes, ids, trial, trial === chosen, onChoose)));
    if (hadFocus) /** @type {HTMLElement | null} */ (body.querySelector("[aria-current] button"))?.focus();
    axes.forEach((axis, place) => {
      if (axis === order.axis) heads[place].ariaSort = order.falls ? "descending" : "ascending";
      else heads[place].removeAttribute("aria-sort");
    });
    const shown = rows.length < kept.length ? `; the first ${rows.length} by ${order.axis.label}:` : ":";
    told.textContent = `${kept.length} of ${ids.length} trials${kept.length ? shown : "."}`;
  }

  const table = element("table", {}, head, body);
  const scroller = element("div", { class: "scroll", role: "region", "aria-label": "Trials kept", tabindex: 0 }, table);
  return {
    whole: element("div", { class: "trial-list" }, told, scroller),
    show: (shown, current) => {
      const isSame = kept === shown;
      [kept, chosen] = [shown, current];
      if (isSame) fill();
      else sort();
    },
  };
}

/**
 * @param {readonly TrialAxis[]} axes
 * @param {readonly string[]} ids
 * @param {number} trial
 * @param {boolean} isChosen
 * @param {(trial: number) => void} onChoose
 */
function rowOf(axes, ids, trial, isChosen, onChoose) {
  const button = element("button", { type: "button", class: "choose" }, ids[trial].slice(0, SHORT_ID));
  button.addEventListener("click", () => onChoose(trial));
  const cells = axes.map((axis) =>
    element("td", { class: axis.kind === "words" ? "" : "number" }, wordsOn(axis, axis.values[trial])),
  );
  return element("tr", { "aria-current": isChosen ? "true" : null }, element("td", {}, button), ...cells);
}
