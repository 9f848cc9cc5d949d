// Settings to begin with, each named by the question that it shows.

/** @typedef {import("../descent/setting.js").Setting} Setting */

/** @type {Setting} */
export const USUAL = {
  target: "sine",
  inputs: {},
  num_points: 64,
  noise: 0,
  model: { linear: { basis: "legendre" } },
  width: 8,
  loss: null,
  optimizer: "gradient_descent",
  learning_rate: { of_limit: 0.5 },
  steps: 2000,
  batch_size: null,
  seed: 0,
};

/**
 * @typedef {object} Preset
 * @property {string} question A few words.
 * @property {string} look What is to be seen, in a sentence.
 * @property {Partial<Setting>} changes Of the usual setting.
 */

/** @type {Preset[]} */
export const PRESETS = [
  {
    question: "Past the largest stable rate",
    look: "The rate is 3 % above 2/λmax: one mode grows while all others shrink. Drag the pointer back.",
    changes: { model: { linear: { basis: "cosine" } }, learning_rate: { of_limit: 1.03 }, steps: 2000 },
  },
  {
    question: "Why so slow?",
    look: "Powers of x look alike: the features have a large condition number κ, and the slowest mode is κ² times as slow.",
    changes: { model: { linear: { basis: "monomial" } }, learning_rate: { of_limit: 0.95 }, steps: 100000 },
  },
  {
    question: "A kink for every unit",
    look: "Each ReLU unit bends the line once, at a green tick. Descent moves a tick to where the target bends.",
    changes: {
      target: "absolute_value",
      model: { shallow: { activation: "relu", initialisation: "kinks_inside" } },
      width: 6,
      learning_rate: { of_limit: 0.5 },
      steps: 20000,
    },
  },
  {
    question: "Runge's phenomenon",
    look: "A polynomial of high degree swings near the ends between evenly spaced points, although the target is smooth.",
    changes: {
      target: "runge",
      inputs: { measure: "grid" },
      num_points: 14,
      width: 12,
      learning_rate: { of_limit: 0.95 },
      steps: 100000,
    },
  },
  {
    question: "The Gibbs phenomenon",
    look: "A sum of cosines overshoots a jump by about a tenth of its height, however many there are.",
    changes: {
      target: "step",
      inputs: { measure: "grid" },
      num_points: 256,
      model: { linear: { basis: "cosine" } },
      width: 32,
      learning_rate: { of_limit: 0.05 },
      steps: 500,
    },
  },
  {
    question: "XOR",
    look: "No straight line separates the corners of 1 from those of 0. Hidden units fold the square, each along a green line.",
    changes: {
      target: "xor",
      num_points: 4,
      model: "shallow",
      width: 4,
      loss: "half_mean_square",
      learning_rate: 0.3,
      steps: 5000,
    },
  },
  {
    question: "Three classes",
    look: "Softmax of three outputs: the likeliest class colours the plane, fainter where it is not sure. Units fold the arms apart.",
    changes: {
      target: "spirals",
      num_points: 256,
      model: { shallow: { activation: "tanh", initialisation: "glorot" } },
      width: 24,
      learning_rate: 1,
      steps: 5000,
    },
  },
  {
    question: "Two among many",
    look: "A greedy model takes from 32 powers of x the two that the target is made of, and descent has two modes.",
    changes: {
      target: { one_plus_power: { power: 10 } },
      model: { greedy: { dictionary: "monomial" } },
      width: 2,
      learning_rate: { of_limit: 0.9 },
      steps: 1000,
    },
  },
  {
    question: "The edge of stability",
    look: "Sharpness rises until it meets 2 / rate, and stays near it: the rate chooses the curvature.",
    changes: {
      target: { chebyshev_polynomial: { degree: 3 } },
      inputs: { measure: { grid: { low: -1.0526315789473684, high: 1.0526315789473684 } } },
      num_points: 20,
      model: { shallow: { activation: "tanh" } },
      width: 32,
      learning_rate: 0.2,
      steps: 20000,
    },
  },
  {
    question: "Overfitting",
    look: "Nearly as many functions as points: the fit comes close to every noisy point, and swings away from the target between them.",
    changes: { num_points: 20, noise: 0.4, width: 18, learning_rate: { of_limit: 0.95 }, steps: 100000 },
  },
];

/**
 * The setting of a preset.
 * @param {Preset} preset One of them.
 * @returns {Setting} Whole.
 */
export function settingOf(preset) {
  return { ...USUAL, ...preset.changes };
}
