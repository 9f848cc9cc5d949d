// The data of a run that the page explores: the JSON of <script type="application/json" id="run-data">.
//
// Written by pipeline/report/html/explorer_data.py, whose fields have the same names. Trials and cells are tables by columns: entry i of every
// column is of trial i, or of cell i. An index into a list is -1 where there is none.
//
// Shape letters: T trials, C cells, H recorded steps, F frames, X points of a grid, R rank, P points, D inputs,
// W width, K outputs.

/**
 * Numbers of one type in little-endian order, written in base64; the last axis is contiguous. A bfloat16 is the upper
 * half of a float32: shifted left by 16 bits it is one, with infinity and NaN.
 * @typedef {object} PackedArray
 * @property {"float64" | "float32" | "bfloat16" | "int32" | "int16" | "uint8"} type
 * @property {number[]} shape
 * @property {string} base64
 */

/**
 * A matrix of F rows as a product of two: row f, column x is sum_r left[f, r] * right[r, x]. Each row is right to 0.002
 * of its greatest absolute value (units: to 0.0005).
 * @typedef {object} LowRank
 * @property {PackedArray} left float32 [F, R]
 * @property {PackedArray} right int16 [R, X]
 */

/**
 * A grid on which fits are drawn: X points along one input, or side * side points of the plane, x[0] first and all y
 * in it, then x[1]: value at (x[i], y[j]) is entry i * y.length + j.
 * @typedef {object} DrawnGrid
 * @property {PackedArray} x float32 [X] along a line, [side] over the plane
 * @property {PackedArray | null} y float32 [side]; null along a line
 * @property {PackedArray | null} truth float32 [X], the target there; null where only points are known
 */

/**
 * @typedef {object} ProblemData
 * @property {string} label
 * @property {number} inputs D
 * @property {number} outputs K
 * @property {"regression" | "classes" | "labels"} task
 * @property {DrawnGrid | null} grid null where a fit cannot be drawn
 * @property {PackedArray | null} points float32 [P, D], some of the training inputs; null without a grid
 * @property {PackedArray | null} targets float32 [P]
 * @property {string} sentence why no fit is drawn; empty where one is
 */

/**
 * @typedef {object} ModelData
 * @property {string} label with how it was trained where that differs
 * @property {string} kind linear, greedy, shallow, or the name of a model of an extension
 * @property {string} activation name of the activation of a network; empty for others
 * @property {boolean} kinked whether hidden units have a kink each, at -bias / slope
 */

/**
 * A quantity that was recorded.
 * @typedef {object} DiagnosticData
 * @property {string} name as in YAML, a column of trials.last
 * @property {string} label in words
 * @property {boolean} logarithmic whether an axis of it should be
 */

/**
 * What one trial of a cell was at some steps; at a single one, the last, where only its fit at the end was kept.
 * @typedef {object} FramesData
 * @property {number} cell
 * @property {number} trial
 * @property {PackedArray} steps int32 [F], ascending
 * @property {LowRank} fit [F, X] over the grid of its problem: the output, of labels less the threshold of a yes
 * @property {LowRank | null} units [F, W * (D + 1)] of a network: slopes and bias of each hidden unit, bias last, over
 *   the length of all of them; null for others
 * @property {number[] | null} atoms numbers of the functions that a greedy model has chosen, in its order
 * @property {PackedArray | null} kinks float32 [M], where a fixed basis bends; null for others
 * @property {PackedArray | null} defined uint8 [X], 1 where the model has a value; null where it has one everywhere
 */

/**
 * @typedef {object} TrialColumns
 * @property {string[]} id 64 hexadecimal digits
 * @property {PackedArray} cell int32 [T]
 * @property {PackedArray} seed int32 [T], index into seeds
 * @property {PackedArray} data_seed int32 [T], seed of the points; -1 where there is one sample only
 * @property {PackedArray} own_points uint8 [T], 1 where it was trained on the points that are shown of its problem
 * @property {PackedArray} status uint8 [T], index into statuses
 * @property {PackedArray} step int32 [T], the last one reached; -1 before the first
 * @property {PackedArray} learning_rate float64 [T], NaN for a solver, or where it is not known yet
 * @property {PackedArray} limit float32 [T], the largest stable rate predicted of it, of a network at its first weights;
 *   NaN for none
 * @property {PackedArray} verdict int32 [T], index into verdicts
 * @property {PackedArray} grounds int32 [T], index into grounds
 * @property {Record<string, PackedArray>} last by name of diagnostic, float32 [T]: its last value, NaN where not recorded
 */

/**
 * Problem x model x width x rate; medians are over the seeds that did not diverge.
 * @typedef {object} CellColumns
 * @property {PackedArray} problem int32 [C]
 * @property {PackedArray} model int32 [C]
 * @property {PackedArray} width int32 [C], index into widths
 * @property {PackedArray} rate int32 [C], index into rates; -1 for a solver
 * @property {PackedArray} trial int32 [C], the trial of the first seed
 * @property {PackedArray} trials int32 [C], how many trials it has in the run
 * @property {PackedArray} ended int32 [C], how many of these are done or have diverged
 * @property {PackedArray} diverged int32 [C], how many of these have diverged
 * @property {PackedArray} loss float32 [C], the last training loss
 * @property {PackedArray} score float32 [C], the last value of the criterion
 * @property {PackedArray} limit float32 [C], the predicted limit of the rate on the axis of rates; NaN for none
 * @property {PackedArray} limit_words int32 [C], index into limit_words
 * @property {PackedArray} best uint8 [C], 1 for the best rate of its width, 2 for the best width and rate of its model,
 *   3 for those of the best model of its problem
 * @property {PackedArray} frames int32 [C], index into frames
 */

/**
 * @typedef {object} RunData
 * @property {1} version
 * @property {string[]} sentences what was left out of the page and by which rule, and why a fit or a step is missing
 * @property {string} criterion name of the diagnostic that trials are judged by
 * @property {string} criterion_title
 * @property {string} loss_title
 * @property {string} rate_title "learning rate", or "learning rate / predicted limit"
 * @property {ProblemData[]} problems
 * @property {ModelData[]} models
 * @property {number[]} widths ascending
 * @property {number[]} rates ascending, learning rates or multiples of the limit, as rate_title says
 * @property {number[]} seeds
 * @property {DiagnosticData[]} diagnostics
 * @property {string[]} statuses done, diverged, failed, pending; unreadable where a file is damaged
 * @property {string[]} verdicts
 * @property {string[]} grounds what verdicts rest on
 * @property {string[]} limit_words what is known of rates below a limit
 * @property {TrialColumns} trials
 * @property {CellColumns} cells
 * @property {PackedArray} steps int32 [H], the recorded steps of curves
 * @property {Record<string, PackedArray>} curves by name of diagnostic, bfloat16 [T, H]: NaN where not recorded
 * @property {PackedArray | null} predicted bfloat16 [T, H], the training loss that theory predicts; null where none is
 * @property {FramesData[]} frames
 */

export const VERSION = 1;
