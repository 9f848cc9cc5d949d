// The playground: what a person chooses is trained in the page, step by step, beside what theory says of it.

import { checkSetting } from "../descent/setting.js";
import { createChoices } from "../playground/trial_choices.js";
import { asDrawn, withKnownRate } from "../playground/adapted_setting.js";
import { createDrawingPad } from "../playground/drawing_pad.js";
import { LiveTrial } from "../playground/live_trial.js";
import { numbersOf } from "../playground/trial_numbers.js";
import { PRESETS, USUAL, settingOf } from "../playground/presets.js";
import { createRateSlider } from "../playground/rate_slider.js";
import { askedTrial, openedInWords, trialSetting } from "../playground/run_trials.js";
import { settingFrom } from "../playground/setting_address.js";
import { createSharing } from "../playground/sharing.js";
import { standingInWords } from "../playground/stability_words.js";
import { createFigures, write } from "../playground/trial_figures.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */

/** @param {string} id */
function find(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no ${id}`);
  return element;
}

const input = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (find(id));
const held = (/** @type {string} */ id) => JSON.parse(find(id).textContent ?? "");

let setting = USUAL, stale = false, first = "", saidAt = 0;
const figures = createFigures(find), share = createSharing(find, USUAL);
const live = new LiveTrial(() => {
  if (!stale) requestAnimationFrame(show);
  stale = true;
});
const rate = createRateSlider({ input: input("rate"), field: input("rate-field"), marker: find("marker") }, (value) => {
  choose({ ...setting, learning_rate: value });
});
const form = /** @type {HTMLFormElement} */ (find("choices"));
const choices = createChoices(form, held("summaries"), (next) => choose(withKnownRate(next, live.started?.rate ?? 1)));

/**
 * Begin with a setting, or say why it cannot be trained; what was played before goes on then.
 * @param {Setting} next
 * @param {boolean} [asked] Whether the address asked for it.
 */
function choose(next, asked = false) {
  setting = next;
  saidAt = 0;
  choices.show(next);
  find("pad").hidden = !next.drawn;
  const wrong = checkSetting(next);
  complain(wrong);
  if (wrong.length) return;
  share(next, asked);
  live.start(next);
}

/** @param {string[]} sentences */
function complain(sentences) {
  find("complaint").hidden = sentences.length === 0;
  find("complaint").textContent = sentences.join(" ");
}

/** Draw what is played now, once a frame. */
function show() {
  stale = false;
  const { started, frame, playing } = live;
  write(find("play"), playing ? "Pause" : "Play");
  if (live.refused.length) complain(live.refused);
  if (started === null) return;
  find("playground").dataset.trial = started.id;
  figures.show(live);
  const step = frame?.step ?? 0, limit = frame?.limit ?? started.limit;
  find("at").textContent = `step ${step.toLocaleString("en")}`;
  rate.mark(limit);
  if (!live.awaiting) rate.show(started.rate);
  const diverged = frame?.diverged ?? false, limits = { limit, firstLimit: started.limit };
  say(standingInWords({ ...started, ...limits, step, diverged }), diverged);
  showNumbers(numbersOf(live));
}

/**
 * Say how the trial stands; of numbers that change at every frame, once a second, for those who hear the page.
 * @param {{text: string, kind: string}} said
 * @param {boolean} ended
 */
function say({ text, kind }, ended) {
  const verdict = find("verdict"), now = performance.now();
  if (verdict.textContent === text || (live.playing && !ended && now - saidAt < 1000)) return;
  saidAt = now;
  verdict.textContent = text;
  verdict.className = `verdict ${kind}`;
}

/** @param {[string, string][]} numbers Names and values. */
function showNumbers(numbers) {
  const names = numbers.map(([name]) => name).join();
  if (names !== first) {
    first = names;
    find("numbers").replaceChildren(...numbers.map(([name]) => {
      const pair = document.createElement("div");
      pair.append(withText("dt", name), withText("dd", ""));
      return pair;
    }));
  }
  numbers.forEach(([, value], place) => {
    write(/** @type {HTMLElement} */ (find("numbers").children[place].children[1]), value);
  });
}

/**
 * @param {string} tag
 * @param {string} text
 */
function withText(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

/** Buttons that begin with a question. */
function showPresets() {
  for (const preset of PRESETS) {
    const button = /** @type {HTMLButtonElement} */ (withText("button", preset.question));
    button.type = "button";
    button.addEventListener("click", () => {
      find("look").textContent = preset.look;
      choose(settingOf(preset));
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches) live.play();
    });
    find("presets").append(button);
  }
}

/** The setting that the address asks for, or the usual one and a sentence. */
function open() {
  const asked = askedTrial(location.search, location.hash), run = held("trials");
  const read = settingFrom(asked ? "" : location.hash, USUAL, run.tables);
  const trial = asked ? trialSetting(run, asked) : { setting: null, sentence: "" };
  const opened = asDrawn(trial.setting ? { ...USUAL, ...trial.setting } : read.setting), wrong = checkSetting(opened);
  choose(wrong.length ? USUAL : withKnownRate(opened, live.started?.rate ?? 1), true);
  complain([trial.sentence, read.sentence, ...wrong].filter(Boolean));
  if (trial.setting) find("look").textContent = openedInWords(asked, run.run, opened.dtype);
}

find("play").addEventListener("click", () => (live.playing ? live.pause() : live.play()));
find("step").addEventListener("click", () => live.step());
find("reset").addEventListener("click", () => {
  live.pause();
  choose(setting);
});
find("speed").addEventListener("change", () => {
  live.setSpeed(Number(input("speed").value));
});
find("large").addEventListener("click", () => {
  const large = document.documentElement.classList.toggle("large");
  find("large").setAttribute("aria-pressed", String(large));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || event.target !== document.body) return;
  event.preventDefault();
  find("play").click();
});
document.addEventListener("visibilitychange", () => live.run());
window.addEventListener("hashchange", open);
createDrawingPad(find("pad"), figures.frame, () => setting.drawn ?? [], (drawn) => choose({ ...setting, drawn }));
for (const element of document.querySelectorAll(".playing")) /** @type {HTMLElement} */ (element).hidden = false;
showPresets();
open();
