/**
 * Random streams: the numbers of a stream depend on its name alone, and are those of `numerics/randomness.py` bit for bit.
 */

import { Philox } from "../descent/philox.js";
import { sha256 } from "../descent/sha256.js";
import { standardNormal } from "../descent/ziggurat.js";

/** A random generator of one purpose, as numpy's `Generator(Philox(key=...))`. */
export class RandomStream {
  /** @param {...(string | number)} name Words and integers that together name the purpose. */
  constructor(...name) {
    this.bits = new Philox(sha256(name.join("\x1f")).slice(0, 16));
  }

  /**
   * Numbers uniform on [0, 1).
   * @param {number} count
   * @returns {Float64Array}
   */
  random(count) {
    return Float64Array.from({ length: count }, () => this.bits.nextUniform());
  }

  /**
   * Numbers uniform on [low, high).
   * @param {number} low
   * @param {number} high
   * @param {number} count
   * @returns {Float64Array}
   */
  uniform(low, high, count) {
    return Float64Array.from({ length: count }, () => low + (high - low) * this.bits.nextUniform());
  }

  /**
   * Standard normal numbers.
   * @param {number} count
   * @returns {Float64Array}
   */
  standardNormal(count) {
    return Float64Array.from({ length: count }, () => standardNormal(this.bits));
  }

  /**
   * A random permutation: from the last place on, each gets one of the numbers up to it (Fisher and Yates).
   * @param {Int32Array} places Overwritten by the numbers from 0 in a random order.
   */
  permute(places) {
    for (let i = 0; i < places.length; i++) places[i] = i;
    for (let place = places.length - 1; place > 0; place--) {
      const mask = 2 ** (32 - Math.clz32(place)) - 1;
      let other = this.bits.nextHalf() & mask;
      while (other > place) other = this.bits.nextHalf() & mask;
      const kept = places[place];
      places[place] = places[other];
      places[other] = kept;
    }
  }
}
