// A run of known numbers as a page holds it: two models, four widths, five rates, two seeds; linear trials diverge
// above the limit.
//
// Shape letters: T trials, C cells, H recorded steps, F frames, X points of a grid.

/** @typedef {import("../../../../pipeline/report/scripts/explorer/run_data.js").RunData} RunData */
/** @typedef {import("../../../../pipeline/report/scripts/explorer/run_data.js").PackedArray} PackedArray */

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
};
export const WIDTHS = [4, 8, 16, 32],
  RATES = [0.01, 0.1, 0.5, 1, 2],
  SEEDS = [0, 1],
  STEPS = [0, 1, 10, 100, 1000];
const X = 41,
  LIMIT = 0.7;

/**
 * Numbers as the page holds them; written on a machine of little-endian order.
 * @param {"float64" | "float32" | "int32" | "int16" | "uint16" | "uint8"} type
 * @param {Iterable<number>} values
 * @param {number[]} [shape]
 * @returns {PackedArray}
 */
export function packed(type, values, shape) {
  const numbers = new ARRAYS[type](values);
  return { type, shape: shape ?? [numbers.length], base64: Buffer.from(numbers.buffer).toString("base64") };
}

/** @param {number[]} values @param {number[]} shape @returns {PackedArray} */
export function bfloat16(values, shape) {
  const bits = new Uint32Array(new Float32Array(values).buffer);
  return {
    ...packed(
      "uint16",
      bits.map((word) => word >>> 16),
      shape,
    ),
    type: "bfloat16",
  };
}

/**
 * A matrix of rank one, exactly: rows are multiples of one row of small whole numbers.
 * @param {number[]} multiples
 * @param {number[]} row
 */
const rankOne = (multiples, row) => ({
  left: packed("float32", multiples, [multiples.length, 1]),
  right: packed("int16", row, [1, row.length]),
});

/** @param {number} cell */
const axesOf = (cell) => ({ rate: cell % 5, width: Math.floor(cell / 5) % 4, model: Math.floor(cell / 20) });

/** @param {number} cell */
function hasDiverged(cell) {
  const { rate, model } = axesOf(cell);
  return model === 0 && RATES[rate] > LIMIT;
}

/** @param {number} cell @param {number} seed */
function lossesOf(cell, seed) {
  const { rate, width, model } = axesOf(cell),
    slope = RATES[rate] / (model + 1);
  const floor = 1e-3 / WIDTHS[width] ** 2;
  if (hasDiverged(cell)) return [1, 10, Infinity, NaN, NaN];
  return STEPS.map((step) => floor + (1 + 0.1 * seed) / (1 + slope * step));
}

/** @returns {RunData} */
export function smallRun() {
  const C = 40,
    T = 80,
    cells = Array.from({ length: C }, (_, cell) => cell),
    trials = Array.from({ length: T }, (_, trial) => trial);
  const cellOf = (/** @type {number} */ trial) => Math.floor(trial / 2),
    losses = trials.map((trial) => lossesOf(cellOf(trial), trial % 2));
  const lastLoss = losses.map((curve) => curve[4]),
    errors = lastLoss.map((loss) => Math.sqrt(2 * loss));
  const score = cells.map((cell) => (errors[2 * cell] + errors[2 * cell + 1]) / 2);
  const ofModel = (/** @type {number} */ model) =>
    cells.filter((cell) => axesOf(cell).model === model && !hasDiverged(cell));
  const bests = [0, 1].map((model) => ofModel(model).reduce((a, b) => (score[b] < score[a] ? b : a)));
  const x = Array.from({ length: X }, (_, place) => -1 + place / 20),
    frames = cells.filter((cell) => !hasDiverged(cell) && cell !== 1);
  return {
    version: 1,
    sentences: ["Every trial is on this page."],
    criterion: "test_error",
    criterion_title: "test error",
    loss_title: "training loss",
    rate_title: "learning rate",
    problems: [
      {
        label: "absolute_value",
        inputs: 1,
        outputs: 1,
        task: "regression",
        sentence: "",
        grid: { x: packed("float32", x), y: null, truth: packed("float32", x.map(Math.abs)) },
        points: packed("float32", [-0.9, -0.5, -0.1, 0.2, 0.6, 0.95], [6, 1]),
        targets: packed("float32", [0.9, 0.5, 0.1, 0.2, 0.6, 0.95]),
      },
    ],
    models: [
      { label: "linear(chebyshev)", kind: "linear", activation: "", kinked: false },
      { label: "shallow(relu)", kind: "shallow", activation: "relu", kinked: true },
    ],
    widths: WIDTHS,
    rates: RATES,
    seeds: SEEDS,
    diagnostics: [
      { name: "loss", label: "training loss", logarithmic: true },
      { name: "test_error", label: "test error", logarithmic: true },
      { name: "condition_number", label: "condition number", logarithmic: true },
    ],
    statuses: ["done", "diverged", "failed", "pending"],
    verdicts: ["agrees", "contradicts"],
    grounds: ["grew above the limit", "fell below it"],
    limit_words: ["exact"],
    trials: {
      id: trials.map((trial) => (trial * 7919 + 4096).toString(16).padStart(8, "0").repeat(8)),
      cell: packed("int32", trials.map(cellOf)),
      seed: packed(
        "int32",
        trials.map((trial) => trial % 2),
      ),
      data_seed: packed(
        "int32",
        trials.map(() => -1),
      ),
      own_points: packed(
        "uint8",
        trials.map(() => 1),
      ),
      status: packed(
        "uint8",
        trials.map((trial) => (hasDiverged(cellOf(trial)) ? 1 : 0)),
      ),
      step: packed(
        "int32",
        trials.map((trial) => (hasDiverged(cellOf(trial)) ? 10 : 1000)),
      ),
      limit: packed(
        "float32",
        trials.map(() => NaN),
      ),
      learning_rate: packed(
        "float64",
        trials.map((trial) => RATES[axesOf(cellOf(trial)).rate]),
      ),
      verdict: packed(
        "int32",
        trials.map((trial) => (axesOf(cellOf(trial)).model === 0 ? 0 : -1)),
      ),
      grounds: packed(
        "int32",
        trials.map((trial) => (axesOf(cellOf(trial)).model === 1 ? -1 : hasDiverged(cellOf(trial)) ? 0 : 1)),
      ),
      last: {
        loss: packed("float32", lastLoss),
        test_error: packed("float32", errors),
        condition_number: packed(
          "float32",
          trials.map((trial) => (axesOf(cellOf(trial)).model ? NaN : WIDTHS[axesOf(cellOf(trial)).width])),
        ),
      },
    },
    cells: {
      problem: packed(
        "int32",
        cells.map(() => 0),
      ),
      model: packed(
        "int32",
        cells.map((cell) => axesOf(cell).model),
      ),
      width: packed(
        "int32",
        cells.map((cell) => axesOf(cell).width),
      ),
      rate: packed(
        "int32",
        cells.map((cell) => axesOf(cell).rate),
      ),
      trial: packed(
        "int32",
        cells.map((cell) => 2 * cell),
      ),
      trials: packed(
        "int32",
        cells.map(() => 2),
      ),
      ended: packed(
        "int32",
        cells.map(() => 2),
      ),
      diverged: packed(
        "int32",
        cells.map((cell) => (hasDiverged(cell) ? 2 : 0)),
      ),
      loss: packed(
        "float32",
        cells.map((cell) => (lastLoss[2 * cell] + lastLoss[2 * cell + 1]) / 2),
      ),
      score: packed("float32", score),
      limit: packed(
        "float32",
        cells.map((cell) => (axesOf(cell).model ? NaN : LIMIT)),
      ),
      limit_words: packed(
        "int32",
        cells.map(() => 0),
      ),
      best: packed(
        "uint8",
        cells.map((cell) => (bests.includes(cell) ? (score[cell] > Math.min(...bests.map((best) => score[best])) ? 2 : 3) : 0)),
      ),
      frames: packed(
        "int32",
        cells.map((cell) => frames.indexOf(cell)),
      ),
    },
    steps: packed("int32", STEPS),
    curves: {
      loss: bfloat16(losses.flat(), [T, 5]),
      test_error: bfloat16(
        losses.flat().map((loss) => Math.sqrt(2 * loss)),
        [T, 5],
      ),
    },
    predicted: bfloat16(
      trials.flatMap((trial) => losses[trial].map((loss) => (axesOf(cellOf(trial)).model ? NaN : loss))),
      [T, 5],
    ),
    frames: frames.map((cell) => ({
      cell,
      trial: 2 * cell,
      steps: packed("int32", STEPS),
      fit: rankOne(
        [0, 0.01, 0.02, 0.04, 0.05],
        x.map((place) => Math.round(20 * Math.abs(place))),
      ),
      units: axesOf(cell).model ? rankOne([1, 1, 1, 1, 1], unitsOf(WIDTHS[axesOf(cell).width])) : null,
      atoms: null,
      kinks: null,
      defined: null,
    })),
  };
}

/**
 * The same run with the trial at one place alone.
 * @param {number} trial
 * @returns {RunData}
 */
export function runOfOne(trial) {
  const data = smallRun(),
    cell = Math.floor(trial / 2);
  const entry = (/** @type {PackedArray} */ { type, shape, base64 }, /** @type {number} */ place) => {
    const bytes = Buffer.from(base64, "base64"),
      size = bytes.length / shape[0];
    return { type, shape: [1, ...shape.slice(1)], base64: bytes.subarray(place * size, (place + 1) * size).toString("base64") };
  };
  const entries = (/** @type {any} */ columns, /** @type {number} */ place) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, entry(column, place)]));
  const { id, last, ...columns } = data.trials;
  const trials = { ...entries(columns, trial), id: [id[trial]], last: entries(last, trial), cell: packed("int32", [0]) };
  const cells = { ...entries(data.cells, cell), trial: packed("int32", [0]), frames: packed("int32", [0]) };
  const frames = data.frames.filter((one) => one.trial === trial).map((one) => ({ ...one, trial: 0, cell: 0 }));
  const predicted = data.predicted && entry(data.predicted, trial);
  return /** @type {any} */ ({ ...data, trials, cells, frames, predicted, curves: entries(data.curves, trial) });
}

/**
 * Units of a network of one input, which bend at even places.
 * @param {number} width
 */
const unitsOf = (width) => Array.from({ length: width }, (_, unit) => [width, width - 1 - 2 * unit]).flat();
