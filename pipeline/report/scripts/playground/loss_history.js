// The losses of a trial that is being played: all of them at first, later as many as a screen can tell apart.

const BINS = 700;

/**
 * A curve that grows. Where it gets too long, neighbours that no screen tells apart are one: their least and their
 * greatest value stay, so that what swings is seen to swing.
 */
export class LossHistory {
  /** @param {number} [most] Samples that are kept at most. */
  constructor(most = 6 * BINS) {
    /** @type {number[]} */
    this.steps = [];
    /** @type {number[]} */
    this.values = [];
    this.most = most;
  }

  /**
   * @param {number} step Above the last one.
   * @param {number} value Of the loss; may be infinite.
   */
  add(step, value) {
    this.steps.push(step);
    this.values.push(value);
    if (this.steps.length > this.most) this.thin();
  }

  /** Keep two samples of each bin, in the order of their steps. */
  thin() {
    const last = this.steps[this.steps.length - 1];
    /** @type {number[]} */
    const kept = [];
    let begin = 0;
    for (let place = 1; place <= this.steps.length; place += 1) {
      const ends = place === this.steps.length || bin(this.steps[place], last) !== bin(this.steps[begin], last);
      if (!ends) continue;
      kept.push(...extremes(this.values, begin, place));
      begin = place;
    }
    if (kept[kept.length - 1] !== this.steps.length - 1) kept.push(this.steps.length - 1);
    this.steps = kept.map((place) => this.steps[place]);
    this.values = kept.map((place) => this.values[place]);
  }
}

/**
 * Which pixel a step stands in on a logarithmic axis of steps, and which on a linear one.
 * @param {number} step
 * @param {number} last
 */
function bin(step, last) {
  const bent = Math.floor((BINS * Math.log1p(step)) / Math.log1p(last));
  return bent + Math.floor((BINS * step) / last);
}

/**
 * The places of the least and of the greatest value, in their order.
 * @param {number[]} values
 * @param {number} begin
 * @param {number} end
 */
function extremes(values, begin, end) {
  let low = begin, high = begin;
  for (let place = begin; place < end; place += 1) {
    if (values[place] < values[low]) low = place;
    if (values[place] > values[high]) high = place;
  }
  return low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
}
