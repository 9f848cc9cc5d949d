/**
 * Where a reader of the lecture is, and where a key leads: a value, without a page.
 *
 * Reading, a station is shown whole. Presenting, one part of it at a time.
 *
 * @typedef {{stations: readonly string[], parts: readonly number[], at: number, part: number, presenting: boolean}} Place
 * Names of the stations, how many parts each has, which station is shown, which part of it, and whether parts are shown
 * one at a time.
 */

/**
 * The place at a station, at its first part; where there is no such station, the place as it was.
 * @param {Place} place
 * @param {string} name
 * @returns {Place}
 */
export function at(place, name) {
  const found = place.stations.indexOf(name);
  return found < 0 ? place : { ...place, at: found, part: 0 };
}

/**
 * The next thing to show: the next part while presenting, else the next station. After the last there is none.
 * @param {Place} place
 * @returns {Place}
 */
export function forward(place) {
  if (place.presenting && place.part + 1 < place.parts[place.at]) return { ...place, part: place.part + 1 };
  return place.at + 1 < place.stations.length ? { ...place, at: place.at + 1, part: 0 } : place;
}

/**
 * The thing before.
 * @param {Place} place
 * @returns {Place}
 */
export function back(place) {
  if (place.presenting && place.part > 0) return { ...place, part: place.part - 1 };
  if (place.at === 0) return place;
  const before = place.at - 1;
  return { ...place, at: before, part: place.presenting ? place.parts[before] - 1 : 0 };
}

/**
 * The same station, presented or read.
 * @param {Place} place
 * @returns {Place}
 */
export function presentingOrNot(place) {
  return { ...place, presenting: !place.presenting, part: 0 };
}

/**
 * The place that a key leads to.
 * @param {Place} place
 * @param {string} key as a keyboard event names it
 * @returns {Place}
 */
export function afterKey(place, key) {
  if (place.presenting && SCROLLING.has(key)) return afterScrollingKey(place, key);
  switch (key) {
    case "ArrowRight":
      return forward(place);
    case "ArrowLeft":
      return back(place);
    case "p":
    case "P":
      return presentingOrNot(place);
    case "Escape":
      return place.presenting ? presentingOrNot(place) : place;
    default:
      return place;
  }
}

/** Keys that scroll a page which is read, and lead on where one thing is shown, as the buttons of a presenter do. */
const SCROLLING = new Set(["PageDown", "PageUp", "Home", "End"]);

/**
 * @param {Place} place
 * @param {string} key
 * @returns {Place}
 */
function afterScrollingKey(place, key) {
  if (key === "PageDown") return forward(place);
  if (key === "PageUp") return back(place);
  return { ...place, at: key === "Home" ? 0 : place.stations.length - 1, part: 0 };
}
