// A figure that trains in the page: its knobs, its moves, its plots, and where it stands in words.

import { startDescent } from "../descent/worker_client.js";
import { createFunctionPlot } from "../drawing/function_plot.js";
import { createPlanePlot } from "../drawing/plane_plot.js";
import { createStepPlot } from "../drawing/step_plot.js";
import { button, element, one } from "../lecture/elements.js";
import { knobElement } from "../lecture/knob_element.js";
import { functionContent, keyInWords, lossContent, planeContent, sharpnessContent, standing } from "../lecture/live_curves.js";
import { goesOn, withValue } from "../lecture/live_setting.js";
import { LossHistory } from "../playground/loss_history.js";
import { addressOf } from "../playground/setting_address.js";

/** @typedef {import("../descent/session.js").Answer} Answer */
/** @typedef {import("../descent/session.js").Started} Started */
/** @typedef {import("../descent/session.js").Frame} Frame */
/** @typedef {import("../descent/session.js").Losses} Losses */
/** @typedef {import("../lecture/live_setting.js").Knob} Knob */
/** @typedef {{setting: any, knobs: Knob[], stepsPerFrame: number, showsSharpness: boolean}} FigureSpec */

/** A figure of one station, which trains while it is seen. */
export class LiveFigure {
  /** @param {HTMLElement} place Names its specification. */
  constructor(place) {
    this.place = place;
    /** @type {FigureSpec} */
    this.spec = JSON.parse(one(document, `#${place.dataset.live}`).textContent ?? "");
    this.setting = this.spec.setting;
    this.playing = false;
    /** @type {{send: (request: any) => void, stop: () => void} | null} */
    this.descent = null;
    /** @type {Started | null} */
    this.started = null;
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {Losses | null} */
    this.predicted = null;
    this.losses = new LossHistory();
    this.sharpness = new LossHistory();
    this.waiting = 0;
    this.key = element("p", { class: "quiet" });
    this.said = element("p", { class: "standing" });
    this.told = element("p", { role: "status", class: "told" });
    this.play = button("Play", () => this.setPlaying(!this.playing));
    this.link = element("a", {}, "The same in the playground");
    const [fit, plane, loss, sharpness] = ["fit", "plane", "loss", "sharpness"].map((name) =>
      element("canvas", { class: name }),
    );
    this.places = { fit: panel(fit), plane: panel(plane), loss: panel(loss), sharpness: panel(sharpness) };
    this.plots = {
      fit: createFunctionPlot(fit),
      plane: createPlanePlot(plane),
      loss: createStepPlot(loss),
      sharpness: createStepPlot(sharpness),
    };
    this.places.sharpness.hidden = !this.spec.showsSharpness;
    const knobs = this.spec.knobs.map((knob, number) =>
      knobElement(knob, this.setting, `${place.dataset.live}-${number}`, (value) => this.turn(knob, value)),
    );
    const moves = [this.play, button("Step", () => this.step()), button("Begin again", () => this.reset())];
    const settings = [element("div", { class: "knobs" }, ...knobs), element("div", { class: "moves" }, ...moves)];
    place.append(
      element("div", { class: "settings" }, ...settings),
      element("div", { class: "plots" }, ...Object.values(this.places)),
      this.key,
      this.said,
      this.told,
      element("p", {}, this.link),
    );
    this.showLink();
  }

  /** Train, from the beginning if it was left. */
  resume() {
    if (this.descent) return;
    this.descent = startDescent((answer) => this.hear(answer));
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.begin();
  }

  /** Train no more while nobody sees it. */
  leave() {
    this.descent?.stop();
    this.descent = null;
  }

  /** Begin with the setting as it is now. */
  begin() {
    this.forget();
    this.descent?.send({ kind: "start", setting: this.setting });
    this.setPlaying(this.playing);
  }

  forget() {
    this.frame = null;
    this.losses = new LossHistory();
    this.sharpness = new LossHistory();
    this.told.textContent = "";
  }

  /**
   * @param {Knob} knob
   * @param {any} value
   */
  turn(knob, value) {
    this.setting = withValue(this.setting, knob.path, value);
    this.showLink();
    if (!goesOn(knob) || this.started === null || this.frame?.diverged) return this.begin();
    const limit = this.started.theory.limit ?? NaN;
    this.descent?.send({ kind: "rate", rate: knob.path.endsWith("of_limit") ? value * limit : value });
  }

  /** @param {boolean} playing */
  setPlaying(playing) {
    this.playing = playing;
    this.play.textContent = playing ? "Pause" : "Play";
    if (playing && this.frame?.diverged) return this.begin();
    this.descent?.send(playing ? { kind: "play", stepsPerFrame: this.spec.stepsPerFrame } : { kind: "pause" });
  }

  step() {
    this.setPlaying(false);
    this.descent?.send({ kind: "step", count: 1 });
  }

  reset() {
    this.playing = false;
    this.begin();
  }

  /** @param {Answer} answer */
  hear(answer) {
    if (answer.kind === "refused") this.told.textContent = answer.sentences.join(" ");
    if (answer.kind === "predicted") this.predicted = answer.predicted;
    if (answer.kind === "started") this.hearStarted(answer);
    if (answer.kind === "frame") this.hearFrame(answer);
    this.waiting ||= requestAnimationFrame(() => this.show());
  }

  /** @param {Started} started */
  hearStarted(started) {
    [this.started, this.predicted] = [started, started.theory.predicted];
    this.place.dataset.trial = started.id;
  }

  /** @param {Frame} frame */
  hearFrame(frame) {
    this.frame = frame;
    for (const [step, loss] of frame.losses) if (step > lastOf(this.losses)) this.losses.add(step, loss);
    const { sharpness } = this, isNew = frame.sharpness !== sharpness.values[sharpness.values.length - 1];
    if (frame.sharpness !== null && isNew && frame.step > lastOf(sharpness)) sharpness.add(frame.step, frame.sharpness);
    if (frame.diverged && this.told.textContent === "") {
      this.told.textContent = `Descent has diverged at step ${frame.divergedAt}: its loss is beyond all bounds.`;
      this.setPlaying(false);
    }
    if (frame.step >= this.setting.steps && this.playing) this.setPlaying(false);
  }

  show() {
    this.waiting = 0;
    const { started, frame, losses, sharpness, predicted } = this;
    if (started === null) return;
    const { loss, model } = this.setting;
    const heard = { started, frame, losses, sharpness, predicted, loss, isLinear: "linear" in model, showsSharpness: this.spec.showsSharpness };
    const flat = started.dimension === 2;
    [this.places.fit.hidden, this.places.plane.hidden] = [flat, !flat];
    if (flat) this.plots.plane.show(planeContent(heard));
    else this.plots.fit.show(functionContent(heard));
    this.plots.loss.show(lossContent(heard));
    if (this.spec.showsSharpness) this.plots.sharpness.show(sharpnessContent(heard));
    setText(this.key, keyInWords(heard));
    this.said.textContent = losses.values.length ? standing(heard) : "";
  }

  showLink() {
    this.link.setAttribute("href", `playground.html${addressOf(this.setting, /** @type {any} */ ({}))}`);
  }
}

/**
 * Change a text, if it is another one.
 * @param {HTMLElement} place
 * @param {string} text
 */
function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** @param {HTMLCanvasElement} canvas */
function panel(canvas) {
  return element("div", { class: "panel" }, canvas);
}

/** @param {LossHistory} history */
function lastOf(history) {
  return history.steps[history.steps.length - 1] ?? -1;
}
