// The fit of a trial at a recorded step, as the plots of one and of two inputs draw it.

import { decoded } from "./decoding.js";
import { centresOf, linesOf } from "./hidden_units.js";
import { placeOf } from "./step_content.js";

/** @typedef {import("./sweep.js").Sweep} Sweep */
/** @typedef {import("./run_data.js").ProblemData} ProblemData */
/** @typedef {import("../drawing/function_plot.js").FunctionContent} FunctionContent */
/** @typedef {import("../drawing/plane_plot.js").PlaneContent} PlaneContent */
/** @typedef {{line: FunctionContent} | {plane: PlaneContent} | {sentence: string}} Fit */
/** @typedef {{x: Float64Array, y: Float64Array | null, truth: Float64Array | null, points: Float64Array,
 *   targets: Float64Array, ends: [number, number], range: [number, number]}} Ground */

const NO_POINTS = new Float64Array(0);

/** @type {WeakMap<ProblemData, Ground>} */
const grounds = new WeakMap();

/**
 * What there is to draw of a trial's fit, or a sentence that says why nothing is.
 * @param {Sweep} sweep
 * @param {number} trial
 * @param {number | null} step
 * @returns {Fit}
 */
export function fitOf(sweep, trial, step) {
  const cell = sweep.trials.cell[trial],
    problem = sweep.data.problems[sweep.cells.problem[cell]];
  if (!problem.grid) return { sentence: problem.sentence };
  const frames = sweep.framesOf(trial),
    all = groundOf(problem),
    ground = sweep.trials.own_points[trial] ? all : { ...all, points: NO_POINTS, targets: NO_POINTS },
    plane = ground.y !== null;
  const frame = frames && !isBeforeOnlyFrame(frames, step) ? placeOf(frames.steps, step) : -1,
    values = frame < 0 ? undefined : frames?.fit(frame);
  const units = frames && frame >= 0 ? unitsOf(sweep, trial, frames, frame, plane) : null;
  return plane ? { plane: planeContent(ground, values, units) } : { line: lineContent(ground, values, units) };
}

/**
 * Whether only the fit at the end was kept, and a step before it is looked at.
 * @param {import("./sweep.js").Frames} frames
 * @param {number | null} step
 */
const isBeforeOnlyFrame = (frames, step) => frames.steps.length === 1 && step !== null;

/**
 * What the marks of units are.
 * @param {Sweep} sweep
 * @param {number} trial
 * @returns {string}
 */
export function unitWords({ data, cells, trials }, trial) {
  const { activation, kinked } = data.models[cells.model[trials.cell[trial]]];
  return !activation ? "where the basis bends" : kinked ? "where a unit bends" : "middle of a unit";
}

/**
 * What is said where the training points are not drawn.
 * @param {Sweep} sweep
 * @param {number} trial
 * @returns {string} Empty where they are.
 */
export const whyNoPoints = ({ trials }, trial) =>
  trials.own_points[trial] ? "" : "The training points of this trial, others than those of the first, are not drawn.";

/**
 * What is said beside a plot of the target alone.
 * @param {Sweep} sweep
 * @param {number} trial
 * @param {number | null} step
 * @returns {string} Empty where the fit is there.
 */
export function whyNoFit({ framesOf, cells, trials, data, trialsOf }, trial, step) {
  const own = framesOf(trial);
  if (own) return isBeforeOnlyFrame(own, step) ? "The fit of this trial was kept at its last step alone." : "";
  const others = trialsOf(trials.cell[trial]).filter((one) => framesOf(one));
  const other = others.find((one) => (framesOf(one)?.steps.length ?? 0) > 1) ?? others[0];
  if (other !== undefined) {
    const when = framesOf(other)?.steps.length === 1 ? "at the end" : "on the way";
    const isSeed = trials.seed[other] !== trials.seed[trial];
    if (isSeed)
      return `The fit ${when} was recorded of seed ${data.seeds[trials.seed[other]]}; this is another seed of the same cell.`;
    return `The fit ${when} was recorded of points ${trials.data_seed[other]}; these are other points of the same cell.`;
  }
  if (cells.frames[trials.cell[trial]] >= 0) return "";
  const status = data.statuses[trials.status[trial]];
  if (status === "unreadable") return "What was recorded of this trial cannot be read.";
  return status === "pending"
    ? "The fit of this trial has not been recorded yet."
    : "The fit of this trial was not recorded on the way.";
}

/**
 * @param {Sweep} sweep
 * @param {number} trial
 * @param {import("./sweep.js").Frames} frames
 * @param {number} frame
 * @param {boolean} plane
 */
function unitsOf({ data, cells, trials }, trial, { kinks, units }, frame, plane) {
  const cell = trials.cell[trial],
    { activation } = data.models[cells.model[cell]],
    width = data.widths[cells.width[cell]];
  if (kinks) return Float64Array.from(kinks);
  if (!activation || !units) return null;
  return plane ? linesOf(units(frame), width) : centresOf(units(frame), width);
}

/** @param {number[]} numbers @returns {[number, number]} */
const endsOf = (numbers) => [Math.min(...numbers), Math.max(...numbers)];

/** @param {ProblemData} problem @returns {Ground} */
function groundOf(problem) {
  const known = grounds.get(problem);
  if (known) return known;
  const { grid, points, targets } = problem,
    read = (/** @type {any} */ packed) => Float64Array.from(packed ? decoded(packed) : []);
  if (!grid) throw new Error("a problem without a grid has no ground");
  const x = read(grid.x),
    truth = grid.truth ? read(grid.truth) : null,
    y = grid.y ? read(grid.y) : null;
  const values = truth ?? read(targets),
    least = Math.min(...values),
    greatest = Math.max(...values);
  // An output of labels is less the threshold of a yes: so is what is to be learned, which lies as far on both sides.
  const threshold = problem.task === "labels" ? (least + greatest) / 2 : 0;
  const lowered = (/** @type {Float64Array} */ all) => all.map((value) => value - threshold);
  const [low, high] = least < greatest ? [least - threshold, greatest - threshold] : [least - 1, greatest + 1];
  /** @type {Ground} */
  const ground = {
    x,
    y,
    truth: truth && lowered(truth),
    points: read(points),
    targets: lowered(read(targets)),
    ends: y ? endsOf([...x, ...y, ...read(points)]) : [x[0], x[x.length - 1]],
    range: [low, high],
  };
  grounds.set(problem, ground);
  return ground;
}

/**
 * @param {Ground} ground
 * @param {Float64Array | undefined} fit
 * @param {any} kinks
 * @returns {FunctionContent}
 */
function lineContent({ x, truth, points, targets, ends, range }, fit, kinks) {
  return {
    truth: truth ? { x, y: truth } : undefined,
    points: points.length ? { x: points, y: targets } : undefined,
    upright: truth || points.length ? undefined : range,
    fit: fit && { x, y: fit },
    kinks: kinks ?? undefined,
    across: ends,
  };
}

/**
 * @param {Ground} ground
 * @param {Float64Array | undefined} fit
 * @param {any} units
 * @returns {PlaneContent}
 */
function planeContent({ x, y, points, targets, ends, range }, fit, units) {
  const first = points.filter((_, place) => place % 2 === 0),
    second = points.filter((_, place) => place % 2 === 1);
  return {
    ends,
    range,
    fit: fit && y ? { x, y, values: fit } : undefined,
    units: units ?? undefined,
    points: points.length ? { x: first, y: second, values: targets } : undefined,
  };
}
