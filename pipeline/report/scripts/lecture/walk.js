// The walk on the page: one station is shown, of which the address has the name; keys and links lead on.

import { one } from "../lecture/elements.js";
import { afterKey, at, back, forward, presentingOrNot } from "../lecture/slides.js";
import { keepFitting } from "../lecture/type_size.js";

/** @typedef {import("../lecture/slides.js").Place} Place */

/**
 * How many parts of a station can be shown: what its question covers, not before it is answered.
 * @param {HTMLElement[]} parts
 */
function partsInReach(parts) {
  return Math.max(1, parts.filter((part) => !part.matches(COVERED)).length);
}

/** As the style sheet hides them. */
const COVERED = ".covered :is(.live, .measured, .yaml)";

/** What keeps the arrow keys for itself, until Escape. */
const USES_KEYS = "input, select, textarea, [contenteditable]";

/** What a presenter's buttons send: they lead on from a slider, too. */
const BUTTONS = ["PageDown", "PageUp"];

/**
 * Begin the walk at the station that the address names.
 * @param {(station: HTMLElement) => void} entered called each time when a station is shown
 * @param {(station: HTMLElement) => void} left called each time when one is shown no more
 */
export function startWalk(entered, left) {
  const stations = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".station")]);
  const parts = stations.map((station) => /** @type {HTMLElement[]} */ ([...station.querySelectorAll(".part")]));
  /** @type {Place} */
  let place = {
    stations: stations.map((station) => station.id),
    parts: parts.map((those) => Math.max(1, those.length)),
    at: 0,
    part: 0,
    presenting: false,
  };
  document.body.classList.add("walking");
  const fit = keepFitting(parts.flat(), () => (place.presenting ? (parts[place.at][place.part] ?? null) : null));
  const previous = one(document, "#previous"), next = one(document, "#next"), present = one(document, "#present");
  previous.addEventListener("click", () => lead(back));
  next.addEventListener("click", () => lead(forward));
  present.addEventListener("click", () => go(presentingOrNot(place)));
  window.addEventListener("hashchange", () => go(at(place, location.hash.slice(1))));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const inField = event.target instanceof Element && event.target.closest(USES_KEYS) !== null;
    if (inField && event.key === "Escape") return focusTitle();
    if (inField && !(place.presenting && BUTTONS.includes(event.key))) return;
    if (lead((from) => afterKey(from, event.key))) event.preventDefault();
  });

  /**
   * Go where a move leads. Presenting, the first move on from a question shows its answer.
   * @param {(from: Place) => Place} move
   * @returns {boolean} Whether it leads anywhere.
   */
  function lead(move) {
    const from = { ...place, parts: place.parts.map((all, number) => (number === place.at ? all : partsInReach(parts[number]))) };
    const to = move(from), next = forward(from);
    if (to === from) return false;
    const question = place.presenting && parts[place.at][place.part]?.querySelector(".skip:not([hidden])");
    if (question instanceof HTMLElement && to.at === next.at && to.part === next.part) question.click();
    else go({ ...to, parts: place.parts });
    return true;
  }

  /** @param {Place} changed */
  function go(changed) {
    const before = place;
    place = changed;
    if (changed.at !== before.at) {
      left(stations[before.at]);
      history.replaceState(null, "", `#${place.stations[place.at]}`);
    }
    show();
    if (changed.at !== before.at) entered(stations[place.at]);
    if (changed.at !== before.at || changed.part !== before.part || changed.presenting !== before.presenting) {
      scrollTo(0, 0);
      focusTitle();
    }
  }

  function focusTitle() {
    one(stations[place.at], "[data-title]").focus({ preventScroll: true });
  }

  function show() {
    document.body.classList.toggle("presenting", place.presenting);
    present.setAttribute("aria-pressed", String(place.presenting));
    stations.forEach((station, number) => {
      station.hidden = number !== place.at;
      parts[number].forEach((part, other) => part.classList.toggle("away", place.presenting && other !== place.part));
    });
    for (const link of document.querySelectorAll("#contents a")) {
      if (link.getAttribute("href") === `#${place.stations[place.at]}`) link.setAttribute("aria-current", "step");
      else link.removeAttribute("aria-current");
    }
    /** @type {HTMLButtonElement} */ (previous).disabled = back(place) === place;
    /** @type {HTMLButtonElement} */ (next).disabled = forward(place) === place;
    fit();
    document.title = `${one(stations[place.at], "[data-title]").dataset.title} · ${one(document, "#lecture").dataset.title}`;
  }

  place = at(place, location.hash.slice(1));
  show();
  entered(stations[place.at]);
}
