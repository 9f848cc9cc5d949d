/**
 * SHA-256 of a text, by the standard: a page opened from a file has no digest of the browser's own that answers at once.
 *
 * Source: NIST FIPS 180-4, sections 4.2.2, 5.3.3 and 6.2.2.
 */

/**
 * The first prime numbers.
 * @param {number} count How many.
 * @returns {number[]}
 */
function primes(count) {
  /** @type {number[]} */
  const found = [];
  for (let number = 2; found.length < count; number++) {
    if (found.every((prime) => number % prime !== 0)) found.push(number);
  }
  return found;
}

/**
 * The first 32 bits of the fraction of a number.
 * @param {number} x Above 0.
 * @returns {number} An unsigned integer.
 */
function fractionBits(x) {
  return Math.floor((x - Math.floor(x)) * 2 ** 32);
}

const PRIMES = primes(64);
const ROUND_CONSTANTS = Uint32Array.from(PRIMES, (prime) => fractionBits(Math.cbrt(prime)));
const FIRST_STATE = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));

/**
 * A 32-bit word rotated to the right.
 * @param {number} word
 * @param {number} places
 * @returns {number}
 */
function rotated(word, places) {
  return (word >>> places) | (word << (32 - places));
}

/**
 * The bytes of a message in blocks of 64: a one, zeros, and last its length in bits.
 * @param {Uint8Array} bytes
 * @returns {DataView}
 */
function padded(bytes) {
  const blocks = new DataView(new ArrayBuffer(64 * Math.ceil((bytes.length + 9) / 64)));
  new Uint8Array(blocks.buffer).set(bytes);
  blocks.setUint8(bytes.length, 0x80);
  blocks.setUint32(blocks.byteLength - 4, bytes.length * 8);
  return blocks;
}

/**
 * One block into the state of the hash.
 * @param {Uint32Array} state Eight words, overwritten.
 * @param {DataView} blocks
 * @param {number} start First byte of the block.
 * @param {Uint32Array} schedule 64 words to work in.
 */
function compress(state, blocks, start, schedule) {
  for (let i = 0; i < 16; i++) schedule[i] = blocks.getUint32(start + 4 * i);
  for (let i = 16; i < 64; i++) {
    const early = schedule[i - 15];
    const late = schedule[i - 2];
    const s0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
    const s1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
    schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i] + schedule[i]) | 0;
    const s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
}

/**
 * SHA-256 of a text in UTF-8.
 * @param {string} text
 * @returns {Uint8Array} 32 bytes.
 */
export function sha256(text) {
  const blocks = padded(new TextEncoder().encode(text));
  const state = FIRST_STATE.slice();
  const schedule = new Uint32Array(64);
  for (let start = 0; start < blocks.byteLength; start += 64) compress(state, blocks, start, schedule);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/**
 * SHA-256 of a text as it is written: 64 hexadecimal digits.
 * @param {string} text
 * @returns {string}
 */
export function sha256Digits(text) {
  return Array.from(sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
