// The walk on the page: one station is shown, of which the address has the name; keys and links lead on.

import { one } from "../lecture/elements.js";
import { afterKey, at, back, forward, presentingOrNot } from "../lecture/slides.js";

/** @typedef {import("../lecture/slides.js").Place} Place */

/** What keeps the arrow keys for itself. */
const USES_KEYS = "input, select, textarea, [contenteditable]";

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
  const previous = one(document, "#previous"), next = one(document, "#next"), present = one(document, "#present");
  previous.addEventListener("click", () => go(back(place)));
  next.addEventListener("click", () => go(forward(place)));
  present.addEventListener("click", () => go(presentingOrNot(place)));
  window.addEventListener("hashchange", () => go(at(place, location.hash.slice(1))));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest(USES_KEYS)) return;
    const changed = afterKey(place, event.key);
    if (changed === place) return;
    event.preventDefault();
    go(changed);
  });

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
      one(stations[place.at], "[data-title]").focus({ preventScroll: true });
    }
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
    document.title = `${one(stations[place.at], "[data-title]").dataset.title} · ${one(document, "#lecture").dataset.title}`;
  }

  place = at(place, location.hash.slice(1));
  show();
  entered(stations[place.at]);
}
