/**
 * Networks with one hidden layer, `f = V g(U x + b) + c`: loss, gradient and curvature, written out by hand.
 *
 * The flat weights are those of `models/shallow.py`: the hidden layer `[W, D + 1]`, bias last, then the output layer
 * `[K, W + 1]`, bias last. Curvature is that of `models/curvature.py`, at a kink almost everywhere.
 *
 * Shape letters: W units, P points, D inputs, K outputs; inputs are `[D, P]`, hidden values `[W, P]`, outputs `[K, P]`.
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
   * @param {Float64Array} targets `[K, P]`; may be overwritten too.
   * @param {number} numPoints P.
   */
  constructor(activation, loss, width, inputs, targets, numPoints) {
    this.activation = activation;
    this.loss = loss;
    this.width = width;
    this.inputs = inputs;
    this.targets = targets;
    this.numPoints = numPoints;
    this.numInputs = inputs.length / numPoints;
    this.hidden = new Float64Array(width * numPoints);
    this.outputs = new Float64Array(targets.length);
    this.slopes = new Float64Array(targets.length);
    this.backward = new Float64Array(numPoints);
    /** @type {Expansion | null} */
    this.expansion = null;
  }

  /** Where the weights of the first output begin. */
  get firstOutput() {
    return this.width * (this.numInputs + 1);
  }

  /**
   * Loss and gradient.
   * @param {Float64Array} weights
   * @param {Float64Array} gradient Overwritten.
   * @returns {number}
   */
  evaluate(weights, gradient) {
    this.forward(weights);
    const loss = this.loss.evaluate(this.outputs, this.targets, this.slopes, this.numPoints);
    const { width, hidden, slopes, backward, activation, numPoints, firstOutput } = this;
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      backward.fill(0);
      for (let first = 0, place = firstOutput + unit; first < slopes.length; first += numPoints, place += width + 1) {
        const weight = weights[place];
        let sum = 0;
        for (let p = 0; p < numPoints; p++) {
          sum += slopes[first + p] * hidden[start + p];
          backward[p] += weight * slopes[first + p];
        }
        gradient[place] = sum;
      }
      activation.multiplyByDerivative(backward, hidden, start);
      this.projectOnInputs(backward, gradient, unit);
    }
    this.sumOutputs(slopes, gradient);
    return loss;
  }

  /**
   * Hidden values and outputs.
   * @param {Float64Array} weights
   */
  forward(weights) {
    const { width, hidden, outputs, activation, numPoints, firstOutput } = this;
    for (let first = 0, bias = firstOutput + width; first < outputs.length; first += numPoints, bias += width + 1) {
      outputs.fill(weights[bias], first, first + numPoints);
    }
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      this.sumInputs(weights, unit, hidden, start);
      activation.apply(hidden, start, start + numPoints);
      for (let first = 0, place = firstOutput + unit; first < outputs.length; first += numPoints, place += width + 1) {
        const weight = weights[place];
        for (let p = 0; p < numPoints; p++) outputs[first + p] += weight * hidden[start + p];
      }
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
    const { inputs, numInputs, numPoints } = this;
    const first = unit * (numInputs + 1);
    const bias = weights[first + numInputs];
    const slope = weights[first];
    for (let p = 0; p < numPoints; p++) sums[start + p] = slope * inputs[p] + bias;
    for (let d = 1; d < numInputs; d++) {
      const other = weights[first + d];
      for (let p = 0, i = d * numPoints; p < numPoints; p++, i++) sums[start + p] += other * inputs[i];
    }
  }

  /**
   * Gradient of one unit's weights from that of its weighted sums.
   * @param {Float64Array} backward `[P]`.
   * @param {Float64Array} gradient
   * @param {number} unit
   */
  projectOnInputs(backward, gradient, unit) {
    const { inputs, numInputs, numPoints } = this;
    const first = unit * (numInputs + 1);
    let ofSlope = 0;
    let ofBias = 0;
    for (let p = 0; p < numPoints; p++) {
      ofSlope += backward[p] * inputs[p];
      ofBias += backward[p];
    }
    gradient[first] = ofSlope;
    gradient[first + numInputs] = ofBias;
    for (let d = 1; d < numInputs; d++) {
      let ofOther = 0;
      for (let p = 0, i = d * numPoints; p < numPoints; p++, i++) ofOther += backward[p] * inputs[i];
      gradient[first + d] = ofOther;
    }
  }

  /**
   * Gradient of the biases of the outputs.
   * @param {Float64Array} slopes `[K, P]`.
   * @param {Float64Array} gradient
   */
  sumOutputs(slopes, gradient) {
    const { numPoints, width } = this;
    for (let first = 0, bias = this.firstOutput + width; first < slopes.length; first += numPoints, bias += width + 1) {
      let sum = 0;
      for (let p = 0; p < numPoints; p++) sum += slopes[first + p];
      gradient[bias] = sum;
    }
  }

  /**
   * Prepare products with the Hessian at some weights.
   * @param {Float64Array} weights
   */
  expandAt(weights) {
    this.forward(weights);
    this.loss.evaluate(this.outputs, this.targets, this.slopes, this.numPoints);
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
    const { width, activation, loss, outputs, targets, slopes, hidden, numPoints, firstOutput } = batch;
    this.batch = batch;
    this.hidden = hidden.slice();
    this.errors = slopes.slice();
    this.weights = weights.slice();
    this.curve = loss.curvatureAt(outputs, targets, numPoints);
    this.derivatives = new Float64Array(hidden.length);
    this.sums = new Float64Array(hidden.length);
    /** Second derivatives of the units times what the loss says of their values. */
    this.seconds = new Float64Array(hidden.length);
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      const row = this.derivatives.subarray(start, start + numPoints).fill(1);
      activation.multiplyByDerivative(row, this.hidden, start);
      for (let first = 0, place = firstOutput + unit; first < slopes.length; first += numPoints, place += width + 1) {
        for (let p = 0; p < numPoints; p++) this.seconds[start + p] += weights[place] * slopes[first + p];
      }
      for (let i = start; i < start + numPoints; i++) this.seconds[i] *= activation.secondDerivative(hidden[i]);
    }
    this.changes = new Float64Array(outputs.length);
    this.backward = new Float64Array(numPoints);
  }

  /**
   * @param {Float64Array} direction
   * @param {Float64Array} product Overwritten.
   */
  product(direction, product) {
    const { batch, changes } = this;
    this.#moveOutputs(direction);
    this.curve(changes);
    for (let unit = 0; unit < batch.width; unit++) this.#projectOnUnit(direction, product, unit);
    batch.sumOutputs(changes, product);
  }

  /**
   * By how much the outputs change along a direction.
   * @param {Float64Array} direction
   */
  #moveOutputs(direction) {
    const { batch, hidden, weights, derivatives, sums, changes } = this;
    const { width, numPoints, firstOutput } = batch;
    for (let first = 0, bias = firstOutput + width; first < changes.length; first += numPoints, bias += width + 1) {
      changes.fill(direction[bias], first, first + numPoints);
    }
    for (let unit = 0, start = 0; unit < width; unit++, start += numPoints) {
      batch.sumInputs(direction, unit, sums, start);
      for (let first = 0, place = firstOutput + unit; first < changes.length; first += numPoints, place += width + 1) {
        const [moved, weight] = [direction[place], weights[place]];
        for (let p = 0, i = start; p < numPoints; p++, i++) {
          changes[first + p] += moved * hidden[i] + weight * derivatives[i] * sums[i];
        }
      }
    }
  }

  /**
   * Entries of the product that belong to one unit.
   * @param {Float64Array} direction
   * @param {Float64Array} product
   * @param {number} unit
   */
  #projectOnUnit(direction, product, unit) {
    const { batch, hidden, errors, weights, derivatives, sums, seconds, changes, backward } = this;
    const { width, numPoints, firstOutput } = batch;
    const start = unit * numPoints;
    backward.fill(0);
    for (let first = 0, place = firstOutput + unit; first < changes.length; first += numPoints, place += width + 1) {
      const [moved, weight] = [direction[place], weights[place]];
      let sum = 0;
      for (let p = 0, i = start, k = first; p < numPoints; p++, i++, k++) {
        sum += changes[k] * hidden[i] + errors[k] * derivatives[i] * sums[i];
        backward[p] += weight * changes[k] + moved * errors[k];
      }
      product[place] = sum;
    }
    for (let p = 0, i = start; p < numPoints; p++, i++) backward[p] = backward[p] * derivatives[i] + seconds[i] * sums[i];
    batch.projectOnInputs(backward, product, unit);
  }
}
