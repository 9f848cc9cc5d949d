// A slider over recorded steps, which also plays.

import { element } from "./elements.js";

const MILLISECONDS_A_STEP = 90,
  MILLISECONDS_WITH_LITTLE_MOTION = 1000;

/**
 * @typedef {object} Player
 * @property {HTMLElement} whole
 * @property {(steps: readonly number[], place: number) => void} show
 * @property {() => void} toggle Begins to play, or pauses.
 * @property {() => void} stop Ends playing without a word of it.
 */
/**
 * A slider with a button that plays.
 * @param {(place: number, isLast: boolean) => void} onMove A step by its place; last of a movement, or one on the way.
 * @returns {Player}
 */
export function createPlayer(onMove) {
  /** @type {readonly number[]} */
  let steps = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const slider = element("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": "recorded step" });
  const button = element("button", { type: "button", class: "play" }, "Play");
  const output = element("output", {}, "");
  const whole = element(
    "div",
    { class: "player", role: "group", "aria-label": "Steps of descent" },
    button,
    slider,
    output,
  );

  /** @param {number} place */
  function set(place) {
    slider.value = String(place);
    const words = `step ${steps[place] ?? 0}`;
    slider.setAttribute("aria-valuetext", words);
    output.textContent = words;
  }

  function stop() {
    clearInterval(timer);
    timer = undefined;
    button.textContent = "Play";
  }

  function pause() {
    if (timer === undefined) return;
    stop();
    onMove(Number(slider.value), true);
  }

  function advance() {
    const place = Number(slider.value) + 1;
    set(place);
    onMove(place, false);
    if (place >= steps.length - 1) pause();
  }

  function play() {
    if (steps.length < 2) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (Number(slider.value) >= steps.length - 1) {
      set(0);
      onMove(0, false);
    }
    button.textContent = "Pause";
    timer = setInterval(advance, isCalm ? MILLISECONDS_WITH_LITTLE_MOTION : MILLISECONDS_A_STEP);
  }

  const toggle = () => (timer === undefined ? play() : pause());
  button.addEventListener("click", toggle);
  slider.addEventListener("input", () => {
    pause();
    set(Number(slider.value));
    onMove(Number(slider.value), false);
  });
  slider.addEventListener("change", () => onMove(Number(slider.value), true));
  return {
    whole,
    toggle,
    stop,
    show(shown, place) {
      steps = shown;
      slider.max = String(Math.max(0, shown.length - 1));
      whole.hidden = shown.length < 2;
      set(place);
    },
  };
}
