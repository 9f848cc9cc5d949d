// The trial that is played: it is started, told to go on, and heard.

import { startDescent } from "../descent/worker_client.js";
import { comparable } from "../playground/compared_settings.js";
import { describedTrial } from "../playground/described_trial.js";
import { LossHistory } from "../playground/loss_history.js";

/** @typedef {import("../descent/setting.js").Setting} Setting */
/** @typedef {import("../descent/session.js").Answer} Answer */
/** @typedef {import("../descent/session.js").Started} Started */
/** @typedef {import("../descent/session.js").Frame} Frame */

const MANY = 20;
const EVERY = 8;

export class LiveTrial {
  /** @param {() => void} changed Called when there is anything new to be shown. */
  constructor(changed) {
    this.changed = changed;
    this.client = startDescent((message) => this.hear(message));
    /** @type {import("./described_trial.js").Described | null} The trial at its start. */
    this.started = null;
    /** @type {Frame | null} What was heard of it last. */
    this.frame = null;
    /** @type {string[]} Why the setting cannot be trained. */
    this.refused = [];
    this.losses = new LossHistory();
    this.sharpness = new LossHistory();
    /** @type {LossHistory | null} The curve before the last change. */
    this.ghost = null;
    this.playing = false;
    /** Whether it has stopped by itself, so that the next one plays. */
    this.stopped = false;
    this.speed = 10;
    this.last = Infinity;
    this.awaiting = false;
    /** @type {Setting | null} */
    this.next = null;
    /** @type {Setting | null} */
    this.begun = null;
    /** @type {Setting | null} Of the losses. */
    this.played = null;
  }

  /** @param {Setting} setting Begins at step 0, and plays if the one before it did. */
  start(setting) {
    this.next = setting;
    this.playing ||= this.stopped;
    this.stopped = false;
    if (!this.awaiting) this.begin();
  }

  begin() {
    const setting = this.next;
    if (setting === null) return;
    this.next = null;
    this.begun = setting;
    this.awaiting = true;
    this.last = setting.steps ?? Infinity;
    this.client.send({ kind: "start", setting });
  }

  play() {
    this.playing = true;
    if (this.frame && this.frame.step >= this.last) this.last = Infinity;
    if (this.frame?.diverged && this.begun) this.start(this.begun);
    else this.run();
    this.changed();
  }

  pause() {
    this.playing = false;
    this.stopped = false;
    this.run();
    this.changed();
  }

  step() {
    this.playing = false;
    this.stopped = false;
    this.run();
    this.client.send({ kind: "step", count: 1 });
    this.changed();
  }

  /** @param {number} speed Steps for each frame; a part of one is a step every few frames. */
  setSpeed(speed) {
    this.speed = speed;
    if (this.playing) this.run();
  }

  /** Let the worker do what is asked of it now; nothing while nobody sees the page. */
  run() {
    const goes = this.playing && !document.hidden;
    this.client.send(goes ? { kind: "play", stepsPerFrame: this.stepsPerFrame() } : { kind: "pause" });
  }

  /** Few at first, so that the beginning is seen: an eighth of the steps done, up to the speed. */
  stepsPerFrame() {
    return Math.min(this.speed, Math.max(1, (this.frame?.step ?? 0) / EVERY));
  }

  /** @param {Answer} message Of the worker. */
  hear(message) {
    if (message.kind === "started") this.hearStarted(message);
    if (message.kind === "refused") this.hearRefused(message.sentences);
    if (message.kind === "frame" && !this.awaiting) this.hearFrame(message);
    this.changed();
  }

  /** @param {Started} message */
  hearStarted(message) {
    this.awaiting = false;
    this.refused = [];
    if (!comparable(this.played, this.begun)) this.ghost = null;
    else if (this.losses.steps.length > MANY) this.ghost = this.losses;
    this.played = this.begun;
    this.losses = new LossHistory();
    this.sharpness = new LossHistory();
    if (this.begun) this.started = describedTrial(this.begun, message);
    this.frame = null;
    if (this.next) this.begin();
    else if (this.playing) this.run();
  }

  /** @param {string[]} sentences */
  hearRefused(sentences) {
    this.awaiting = false;
    this.refused = sentences;
    if (this.next) this.begin();
  }

  /** @param {Frame} message */
  hearFrame(message) {
    this.frame = message;
    for (const [step, loss] of message.losses) if (step > lastOf(this.losses)) this.losses.add(step, loss);
    if (message.sharpness !== null && message.sharpness !== this.sharpness.values.at(-1)) {
      this.sharpness.add(message.step, message.sharpness);
    }
    if (!this.playing) return;
    const left = this.last - message.step;
    if (message.diverged || left <= 0) {
      this.pause();
      this.stopped = true;
    } else if (left < this.stepsPerFrame()) this.client.send({ kind: "step", count: left });
    else if (this.speed > 1) this.run();
  }
}

/** @param {LossHistory} history */
function lastOf(history) {
  return history.steps[history.steps.length - 1] ?? -1;
}
