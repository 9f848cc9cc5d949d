// The learning rate on a logarithmic slider that knows the largest stable rate.

import { shortNumber } from "../drawing/number_text.js";

export const LOWEST = -4, HIGHEST = 2;  // powers of ten
const LEAST = -12, MOST = 12, BEYOND = 0.5;
const STEP = 0.005;

/**
 * @typedef {object} RateSlider
 * @property {(rate: number) => void} show A rate that was chosen elsewhere.
 * @property {(limit: number | null) => void} mark The largest stable rate now; `null` where none is known.
 */

/**
 * Let the controls of a rate work together: slider, field, and the mark of the limit.
 * @param {{input: HTMLInputElement, field: HTMLInputElement, marker: HTMLElement}} parts Of the page.
 * @param {(rate: number) => void} choose Called with every rate that a person chooses.
 * @returns {RateSlider}
 */
export function createRateSlider({ input, field, marker }, choose) {
  let rate = NaN, limit = /** @type {number | null} */ (null), ends = sliderEnds(null, [LOWEST, HIGHEST]);
  [input.min, input.max] = ends.map(String);
  input.step = String(STEP);
  const say = () => {
    input.value = String(Math.log10(rate));
    if (field !== document.activeElement) field.value = written(rate);  // else somebody is typing
    input.setAttribute("aria-valuetext", rateInWords(rate, limit));
    input.classList.toggle("beyond", limit !== null && rate > limit);
  };
  const take = (/** @type {number} */ next) => {
    rate = next;
    say();
    choose(rate);
  };
  field.addEventListener("blur", () => {
    if (field.checkValidity()) field.value = written(rate);
  });
  input.addEventListener("input", () => take(Number((10 ** Number(input.value)).toPrecision(4))));
  field.addEventListener("change", () => {
    const value = Number(field.value.replace("−", "-"));
    const good = field.value.trim() !== "" && Number.isFinite(value) && value > 0;
    field.setCustomValidity(good ? "" : "Take a number above 0.");
    field.setAttribute("aria-invalid", String(!good));
    if (good) take(value);
    else field.reportValidity();
  });
  return {
    show: (next) => {
      if (next === rate) return;
      rate = next;
      say();
    },
    mark: (next) => {
      const before = limit;
      limit = next !== null && next > 0 && Number.isFinite(next) ? next : null;
      if (limit === before) return;
      ends = sliderEnds(limit, ends);
      [input.min, input.max] = ends.map(String);
      marker.hidden = limit === null;
      if (limit !== null) marker.style.setProperty("--place", String(placeOf(limit, ends)));
      say();
    },
  };
}

/** @param {number} rate */
function written(rate) {
  return shortNumber(rate, 4).replace("−", "-");
}

/**
 * Powers of ten at the ends of the slider, between which the limit has room on both sides; they never come closer.
 * @param {number | null} limit The largest stable rate, where it is known.
 * @param {[number, number]} ends Those before.
 * @returns {[number, number]}
 */
export function sliderEnds(limit, [low, high]) {
  if (limit === null) return [low, high];
  const place = Math.log10(limit);
  return [
    Math.max(LEAST, Math.min(low, Math.floor(place - BEYOND))),
    Math.min(MOST, Math.max(high, Math.ceil(place + BEYOND))),
  ];
}

/**
 * Where a rate stands on the slider.
 * @param {number} rate Above 0.
 * @param {[number, number]} [ends] Powers of ten.
 * @returns {number} From 0 at the left end to 1 at the right one; rates beyond stand there.
 */
export function placeOf(rate, [low, high] = [LOWEST, HIGHEST]) {
  return Math.min(1, Math.max(0, (Math.log10(rate) - low) / (high - low)));
}

/**
 * A rate beside the largest stable one.
 * @param {number} rate Above 0.
 * @param {number | null} limit The largest stable one, where it is known.
 * @returns {string} As `0.26, 1.05 times the largest stable rate`.
 */
export function rateInWords(rate, limit) {
  const said = shortNumber(rate);
  return limit === null ? said : `${said}, ${shortNumber(rate / limit)} times the largest stable rate`;
}
