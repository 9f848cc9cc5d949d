/**
 * Gradient descent, heavy ball and Nesterov momentum on a quadratic, in closed form: what `numerics/descent.py` computes.
 *
 * In the basis of left singular vectors of the features every mode of the residual moves by itself, as a linear
 * recurrence. Nothing is trained.
 *
 * Source: Goh, "Why momentum really works" (Distill, 2017).
 */

/** @typedef {{momentum: number, nesterov: boolean}} Recurrence */

/** A number of roundings of its inputs within which a discriminant counts as zero. */
const ROUNDINGS = 4;

/** Loss by mode: `loss = floor + sum of errors^2 / (2 P)`. */
export class Modes {
  /**
   * @param {Float64Array} eigenvalues Of the Hessian, the largest first.
   * @param {Float64Array} errors Components of the residuals along each left singular vector.
   * @param {Float64Array} velocities Components of the features times the velocity of the rule; zeros at the start.
   * @param {number} floor Loss that no weights take away.
   * @param {number} numPoints P.
   */
  constructor(eigenvalues, errors, velocities, floor, numPoints) {
    this.eigenvalues = eigenvalues;
    this.errors = errors;
    this.velocities = velocities;
    this.floor = floor;
    this.numPoints = numPoints;
  }

  /**
   * Loss after some steps.
   * @param {number} steps From 0.
   * @param {number} rate Learning rate.
   * @param {Recurrence} recurrence
   * @returns {number} Infinite beyond float64.
   */
  loss(steps, rate, recurrence) {
    let sum = this.floor;
    for (let s = 0; s < this.errors.length; s++) {
      const logError = this.#logError(s, steps, rate, recurrence);
      sum += Math.exp(2 * logError) / (2 * this.numPoints);
    }
    return sum;
  }

  /**
   * Logarithm of the size of the error of one mode, in which neither what diverges overflows nor what converges vanishes.
   * @param {number} s
   * @param {number} steps
   * @param {number} rate
   * @param {Recurrence} recurrence
   * @returns {number}
   */
  #logError(s, steps, rate, { momentum, nesterov }) {
    const error = this.errors[s];
    const step = rate * this.eigenvalues[s];
    if (momentum === 0) return Math.log(Math.abs(error)) + (steps === 0 ? 0 : steps * logFactor(step));
    const scale = Math.max(1, contraction(step, momentum, nesterov));
    const row = nesterov ? [1 - step * (1 + momentum), -(momentum ** 2)] : [1 - step, -momentum];
    const matrix = [...row, step, momentum].map((entry) => entry / scale);
    const [moved] = powerApplied(matrix, [error, rate * this.velocities[s]], steps);
    return Math.log(Math.abs(moved)) + (steps === 0 ? 0 : steps * Math.log(scale));
  }
}

/**
 * Logarithm of `|1 - step|`, with the digits of slow modes.
 * @param {number} step
 * @returns {number}
 */
function logFactor(step) {
  return step < 0.5 ? Math.log1p(-step) : Math.log(Math.abs(1 - step));
}

/**
 * A power of a matrix of 2 x 2 times a vector, by repeated squaring.
 * @param {number[]} matrix Its rows.
 * @param {[number, number]} vector
 * @param {number} power
 * @returns {[number, number]}
 */
function powerApplied(matrix, vector, power) {
  let [a, b, c, d] = matrix;
  let [x, y] = vector;
  for (let rest = power; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2) [x, y] = [a * x + b * y, c * x + d * y];
    [a, b, c, d] = [a * a + b * c, a * b + b * d, c * a + d * c, c * b + d * d];
  }
  return [x, y];
}

/**
 * Spectral radius of one step of a mode: the factor by which a late step multiplies the error.
 * @param {number} step Rate times eigenvalue.
 * @param {number} momentum
 * @param {boolean} nesterov
 * @returns {number} Above 1 the mode diverges.
 */
export function contraction(step, momentum, nesterov) {
  const left = 1 - step;
  if (momentum === 0) return Math.abs(left);
  const trace = nesterov ? left * (1 + momentum) : left + momentum;
  const determinant = nesterov ? left * momentum : momentum;
  const discriminant = discriminantOf(step, momentum, nesterov);
  if (discriminant <= 0) return Math.sqrt(Math.max(determinant, 0));
  return (Math.abs(trace) + Math.sqrt(discriminant)) / 2;
}

/**
 * `trace^2 - 4 determinant`, factored to keep its digits; 0 within rounding of rate and momentum.
 * @param {number} step
 * @param {number} momentum
 * @param {boolean} nesterov
 * @returns {number}
 */
function discriminantOf(step, momentum, nesterov) {
  if (nesterov) {
    const edge = ((1 - momentum) / (1 + momentum)) ** 2;
    const sensitivity = (4 * momentum * (1 - momentum)) / (1 + momentum) ** 3;
    return (1 - step) * (1 + momentum) ** 2 * distanceTo(edge, sensitivity, step);
  }
  const root = Math.sqrt(momentum);
  return (
    distanceTo((1 + root) ** 2, root * (1 + root), step) * distanceTo((1 - root) ** 2, root * (1 - root), step)
  );
}

/**
 * @param {number} edge
 * @param {number} sensitivity Momentum times the derivative of the edge in it.
 * @param {number} step
 * @returns {number} `edge - step`, or 0 where that is rounding.
 */
function distanceTo(edge, sensitivity, step) {
  const distance = edge - step;
  return Math.abs(distance) <= ROUNDINGS * Number.EPSILON * (Math.abs(step) + sensitivity) ? 0 : distance;
}
