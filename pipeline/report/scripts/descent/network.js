/**
 * Networks with one hidden layer, `f = v g(U x + b) + c`: loss, gradient and curvature, written out by hand.
 *
 * The flat weights are those of `models/shallow.py`: the hidden layer `[W, D + 1]`, bias last, then the output layer
 * `[W + 1]`, bias last. Curvature is that of `models/curvature.py`, at a kink almost everywhere.
 *
 * Shape letters: W units, P points, D inputs; inputs are `[D, P]`, hidden values `[W, P]`.
 */

/** @typedef {import("./activations.js").Activation} Activation */
/** @typedef {import("./losses.js").Loss} Loss */

/** Loss, gradient and curvature of a network on some points; nothing is allocated while it trains. */
export class NetworkBatch {
  /**
   * @param {Activation} activation
   * @param {Loss} loss
   * @param {number} width W.
   * @param {Float64Array} inputs `[D, P]`; may be overwritten between two calls.
   * @param {Float64Array} targets `[P]`; may be overwritten too.
   */
  constructor(activation, loss, width, inputs, targets) {
    const numPoints = targets.length;
    this.activation = activation;
    this.loss = loss;
    this.width = width;
    this.inputs = inputs;
    this.targets = targets;
    this.numInputs = inputs.length / numPoints;
    this.hidden = new Float64Array(width * numPoints);
    this.outputs = new Float64Array(numPoints);
    this.slopes = new Float64Array(numPoints);
    this.backward = new Float64Array(numPoints);
    /** @type {Expansion | null} */
    this.expansion = null;
  }

  /**
   * Loss and gradient.
   * @param {Float64Array} weights
   * @param {Float64Array} gradient Overwritten.
   * @returns {number}
   */
  evaluate(weights, gradient) {
    this.forward(weights);
    const loss = this.loss.evaluate(this.outputs, this.targets, this.slopes);
    const { width, hidden, slopes, backward, activation } = this;
    const numPoints = slopes.length;
    const output = width * (this.numInputs + 1);
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      const weight = weights[output + unit];
      let sum = 0;
      for (let p = 0; p < numPoints; p++) {
        sum += slopes[p] * hidden[start + p];
        backward[p] = weight * slopes[p];
      }
      gradient[output + unit] = sum;
      activation.multiplyByDerivative(backward, hidden, start);
      this.projectOnInputs(backward, gradient, unit);
    }
    gradient[output + width] = total(slopes);
    return loss;
  }

  /**
   * Hidden values and outputs.
   * @param {Float64Array} weights
   */
  forward(weights) {
    const { width, numInputs, hidden, outputs, activation } = this;
    const numPoints = outputs.length;
    const output = width * (numInputs + 1);
    outputs.fill(weights[output + width]);
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      this.sumInputs(weights, unit, hidden, start);
      activation.apply(hidden, start, start + numPoints);
      const weight = weights[output + unit];
      for (let p = 0; p < numPoints; p++) outputs[p] += weight * hidden[start + p];
    }
  }

  /**
   * Weighted sum of the inputs of one unit.
   * @param {Float64Array} weights
   * @param {number} unit
   * @param {Float64Array} sums Overwritten from a place on.
   * @param {number} start The place.
   */
  sumInputs(weights, unit, sums, start) {
    const { inputs, numInputs } = this;
    const numPoints = this.outputs.length;
    const first = unit * (numInputs + 1);
    const bias = weights[first + numInputs];
    const slope = weights[first];
    for (let p = 0; p < numPoints; p++) sums[start + p] = slope * inputs[p] + bias;
    if (numInputs === 1) return;
    const other = weights[first + 1];
    for (let p = 0; p < numPoints; p++) sums[start + p] += other * inputs[numPoints + p];
  }

  /**
   * Gradient of one unit's weights from that of its weighted sums.
   * @param {Float64Array} backward `[P]`.
   * @param {Float64Array} gradient
   * @param {number} unit
   */
  projectOnInputs(backward, gradient, unit) {
    const { inputs, numInputs } = this;
    const numPoints = backward.length;
    const first = unit * (numInputs + 1);
    let ofSlope = 0;
    let ofBias = 0;
    for (let p = 0; p < numPoints; p++) {
      ofSlope += backward[p] * inputs[p];
      ofBias += backward[p];
    }
    gradient[first] = ofSlope;
    gradient[first + numInputs] = ofBias;
    if (numInputs === 1) return;
    let ofOther = 0;
    for (let p = 0; p < numPoints; p++) ofOther += backward[p] * inputs[numPoints + p];
    gradient[first + 1] = ofOther;
  }

  /**
   * Prepare products with the Hessian at some weights.
   * @param {Float64Array} weights
   */
  expandAt(weights) {
    this.forward(weights);
    this.loss.evaluate(this.outputs, this.targets, this.slopes);
    this.expansion = new Expansion(this, weights);
  }

  /**
   * Product of the Hessian with a vector.
   * @param {Float64Array} direction
   * @param {Float64Array} product Overwritten.
   */
  hessianProduct(direction, product) {
    if (this.expansion === null) throw new Error("expandAt comes first");
    this.expansion.product(direction, product);
  }
}

/** Second-order expansion of the loss of a network about its weights. */
class Expansion {
  /**
   * @param {NetworkBatch} batch With the outputs and slopes at the weights.
   * @param {Float64Array} weights
   */
  constructor(batch, weights) {
    const { width, activation, loss, outputs, targets, slopes, hidden } = batch;
    const numPoints = outputs.length;
    this.batch = batch;
    this.hidden = hidden.slice();
    this.errors = slopes.slice();
    this.outputWeights = weights.slice(width * (batch.numInputs + 1), -1);
    this.curvatures = outputs.map((output, p) => loss.curvature(output, targets[p]) / numPoints);
    this.derivatives = new Float64Array(hidden.length);
    this.sums = new Float64Array(hidden.length);
    this.seconds = hidden.map(
      (value, i) =>
        activation.secondDerivative(value) * this.outputWeights[Math.floor(i / numPoints)] * slopes[i % numPoints],
    );
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      const row = this.derivatives.subarray(start, start + numPoints).fill(1);
      activation.multiplyByDerivative(row, this.hidden, start);
    }
    this.changes = new Float64Array(numPoints);
    this.backward = new Float64Array(numPoints);
  }

  /**
   * @param {Float64Array} direction
   * @param {Float64Array} product Overwritten.
   */
  product(direction, product) {
    const { batch, hidden, errors, outputWeights, curvatures, derivatives, sums, seconds, changes, backward } = this;
    const { width } = batch;
    const numPoints = changes.length;
    const output = width * (batch.numInputs + 1);
    changes.fill(direction[output + width]);
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      batch.sumInputs(direction, unit, sums, start);
      for (let p = 0, i = start; p < numPoints; p++, i++) {
        changes[p] += direction[output + unit] * hidden[i] + outputWeights[unit] * derivatives[i] * sums[i];
      }
    }
    for (let p = 0; p < numPoints; p++) changes[p] *= curvatures[p];
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      let sum = 0;
      for (let p = 0, i = start; p < numPoints; p++, i++) {
        sum += changes[p] * hidden[i] + errors[p] * derivatives[i] * sums[i];
        const back = outputWeights[unit] * changes[p] + direction[output + unit] * errors[p];
        backward[p] = back * derivatives[i] + seconds[i] * sums[i];
      }
      product[output + unit] = sum;
      batch.projectOnInputs(backward, product, unit);
    }
    product[output + width] = total(changes);
  }
}

/**
 * @param {Float64Array} numbers
 * @returns {number}
 */
function total(numbers) {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i];
  return sum;
}
