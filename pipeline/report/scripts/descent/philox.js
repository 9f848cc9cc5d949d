/**
 * Philox 4x64-10, the counter-based random generator, with the numbers that numpy makes of its bits.
 *
 * Words of 64 bits are pairs of halves of 32 bits, low and high: big integers would take ten times as long.
 *
 * Sources: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 4.3; for what is made of the
 * bits, the source of numpy 2.4, `philox.h` and `distributions.c`.
 */

const ROUNDS = 10;
const TWO_32 = 2 ** 32;
/** Halves of the multipliers and of what the keys grow by: low and high of the first, low and high of the second. */
const MULTIPLIERS = [0xe14c6c93, 0xd2e7470e, 0x95121157, 0xca5a8263];
const KEY_STEPS = [0x7f4a7c15, 0x9e3779b9, 0x84caa73b, 0xbb67ae85];

/**
 * The upper 32 bits of the product of two halves.
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function upperHalf(a, b) {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // below 2^33: exact
  const cross = aLow * bHigh + (middle % 65536);
  return aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536);
}

/**
 * The 128 bits of the product of two words, in four halves.
 * @param {number} aLow
 * @param {number} aHigh
 * @param {number} bLow
 * @param {number} bHigh
 * @param {Uint32Array} product Four halves, the lowest first; overwritten.
 */
function multiply(aLow, aHigh, bLow, bHigh, product) {
  const second = upperHalf(aLow, bLow) + (Math.imul(aLow, bHigh) >>> 0) + (Math.imul(aHigh, bLow) >>> 0);
  const third =
    upperHalf(aLow, bHigh) + upperHalf(aHigh, bLow) + (Math.imul(aHigh, bHigh) >>> 0) + Math.floor(second / TWO_32);
  product[0] = Math.imul(aLow, bLow);
  product[1] = second % TWO_32;
  product[2] = third % TWO_32;
  product[3] = upperHalf(aHigh, bHigh) + Math.floor(third / TWO_32);
}

/** A stream of random bits; equal keys give equal bits. */
export class Philox {
  /** The lower 32 of the last 64 bits. */
  low = 0;
  /** The upper 32 of the last 64 bits. */
  high = 0;
  #counter = 0;
  #place = 8;
  #halfWaits = false;
  #block = new Uint32Array(8);
  #first = new Uint32Array(4);
  #second = new Uint32Array(4);
  /** @type {Uint32Array} */
  #key;

  /** @param {Uint8Array} key 16 bytes, the lowest first. */
  constructor(key) {
    const view = new DataView(key.buffer, key.byteOffset);
    this.#key = Uint32Array.from([0, 4, 8, 12], (place) => view.getUint32(place, true));
  }

  /** Take the next 64 bits, into `low` and `high`. */
  next() {
    if (this.#place === 8) this.#refill();
    this.low = this.#block[this.#place];
    this.high = this.#block[this.#place + 1];
    this.#place += 2;
  }

  /**
   * The next 32 bits, of every word the lower half first.
   * @returns {number} An unsigned integer.
   */
  nextHalf() {
    if (!this.#halfWaits) this.next();
    this.#halfWaits = !this.#halfWaits;
    return this.#halfWaits ? this.low : this.high;
  }

  /**
   * A number uniform on [0, 1), of 53 bits.
   * @returns {number}
   */
  nextUniform() {
    this.next();
    return (this.high * 2 ** 21 + (this.low >>> 11)) / 2 ** 53;
  }

  /** The next block: ten rounds on a counter that numpy counts up before it draws. */
  #refill() {
    this.#counter += 1;
    const block = this.#block;
    const first = this.#first;
    const second = this.#second;
    let [key0, key1, key2, key3] = this.#key;
    block.fill(0);
    block[0] = this.#counter;
    block[1] = Math.floor(this.#counter / TWO_32);
    for (let round = 0; round < ROUNDS; round++) {
      multiply(MULTIPLIERS[0], MULTIPLIERS[1], block[0], block[1], first);
      multiply(MULTIPLIERS[2], MULTIPLIERS[3], block[4], block[5], second);
      block[0] = second[2] ^ block[2] ^ key0;
      block[1] = second[3] ^ block[3] ^ key1;
      block[2] = second[0];
      block[3] = second[1];
      block[4] = first[2] ^ block[6] ^ key2;
      block[5] = first[3] ^ block[7] ^ key3;
      block[6] = first[0];
      block[7] = first[1];
      const sum0 = key0 + KEY_STEPS[0];
      const sum2 = key2 + KEY_STEPS[2];
      key1 = (key1 + KEY_STEPS[1] + Math.floor(sum0 / TWO_32)) % TWO_32;
      key3 = (key3 + KEY_STEPS[3] + Math.floor(sum2 / TWO_32)) % TWO_32;
      key0 = sum0 % TWO_32;
      key2 = sum2 % TWO_32;
    }
    this.#place = 0;
  }
}
