/**
 * The ziggurat: standard normal numbers from uniform bits, bit for bit those of numpy.
 *
 * The area below exp(-x^2 / 2) is covered by 256 layers of one area: 255 rectangles on top of each other, and below
 * them the base, a rectangle with the tail beyond it. A layer, a sign and a place in the layer are drawn; nearly always
 * the place lies below the curve whatever its height. The tables are made by their definition, in fixed point.
 *
 * Source: Marsaglia, Tsang, "The ziggurat method for generating random variables" (2000); numpy 2.4,
 * `random_standard_normal`, for the order in which bits are used.
 */

/** @typedef {import("./philox.js").Philox} Philox */

const LAYERS = 256;
const FRACTION_BITS = 192n;
const ONE = 1n << FRACTION_BITS;
/** Where the tail begins: with it the 255th rectangle ends at the height 1. */
const TAIL = decimal("3.6541528853610087716454297203995157629748545997463");
/** Area of a layer, `r exp(-r^2 / 2) + (integral of exp(-x^2 / 2) beyond r)` with r where the tail begins. */
const AREA = decimal("0.0049286732339746553473617754023360280691353847028565");

/**
 * How far the widths of numpy's layers, which were computed in double precision, are from the definition, in units of
 * the last place, the base first: read off its numbers, and held against a hundred thousand of them by a test.
 */
const OFFSETS = [
  -9, -60, -18, -16, -14, -15, -16, -13, -13, -7, -7, -6, -5, -5, -5, -5, -5, -6, -5, -6, -7, -7, -6, -7, -7, -6, -6,
  -5, -6, -6, -7, -5, -6, -6, -6, -6, -6, -7, -5, -5, -4, -3, -4, -5, -3, -4, -4, -4, -4, -4, -4, -5, -2, -3, -3, -4,
  -4, -3, -4, -4, -3, -3, -2, -2, -3, -3, -4, -3, -4, -3, -3, -3, -2, -2, -1, -2, -2, -3, -3, -3, -2, -2, -3, -3, -3,
  -2, -2, -2, -2, -1, -2, -1, -1, -1, -1, -1, -2, -1, -1, -1, -1, -1, -2, -1, -1, -2, -2, -2, -2, -2, -2, -2, -2, -2,
  -1, -1, -1, -1, -1, -1, -1, -1, 0, 0, -1, -1, -1, -2, -1, -1, -1, -1, -2, -2, -2, -1, -1, -2, -2, -2, -3, -3, -4,
  -3, -3, -3, -2, -2, -1, -2, -1, -1, -1, -1, -1, -1, 0, 0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3,
  2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -2, -1, -2, -2, -2, -2, -2, -2, -1, -1,
  -1, -1, 0, 0, -1, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, -1, -1, -1, -1, -1, -1, -1, 0, 0, 1, 0,
  1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0,
];

/**
 * A decimal number in fixed point.
 * @param {string} text
 * @returns {bigint}
 */
function decimal(text) {
  const [whole, fraction] = text.split(".");
  return (BigInt(whole + fraction) * ONE) / 10n ** BigInt(fraction.length);
}

/**
 * Product of two numbers in fixed point.
 * @param {bigint} a
 * @param {bigint} b
 * @returns {bigint}
 */
function product(a, b) {
  return (a * b) >> FRACTION_BITS;
}

/**
 * The nearest double.
 * @param {bigint} a In fixed point.
 * @returns {number}
 */
function toDouble(a) {
  return Number(a) / Number(ONE);
}

/**
 * A double in fixed point.
 * @param {number} x
 * @returns {bigint}
 */
function fromDouble(x) {
  return (BigInt(Math.round(x * 2 ** 50)) * ONE) >> 50n;
}

/**
 * Exponential function, by its series.
 * @param {bigint} a In fixed point, of magnitude below 10.
 * @returns {bigint}
 */
function exponential(a) {
  let [sum, term] = [ONE, ONE];
  for (let n = 1n; term !== 0n && n < 200n; n++) {
    term = product(term, a) / n;
    sum += term;
  }
  return sum;
}

/**
 * Natural logarithm: that of a double, and two terms of the series of what is left.
 * @param {bigint} a In fixed point, above 0.
 * @returns {bigint}
 */
function logarithm(a) {
  const near = fromDouble(Math.log(toDouble(a)));
  const left = product(a, exponential(-near)) - ONE; // at most about 1e-15
  return near + left - product(left, left) / 2n + product(product(left, left), left) / 3n;
}

/**
 * Square root, by Newton's method from that of a double.
 * @param {bigint} a In fixed point, from 0.
 * @returns {bigint}
 */
function squareRoot(a) {
  if (a <= 0n) return 0n;
  let root = fromDouble(Math.sqrt(toDouble(a)));
  for (let i = 0; i < 4; i++) root = (root + (a << FRACTION_BITS) / root) / 2n;
  return root;
}

/**
 * A double some units of its last place away.
 * @param {number} x
 * @param {number} units
 * @returns {number}
 */
function shifted(x, units) {
  return x + units * 2 ** (Math.floor(Math.log2(x)) - 52);
}

/**
 * Tables of the layers, the base first.
 * @returns {{scales: Float64Array, insides: Float64Array, heights: Float64Array}} Width of each layer by 2^52; which
 *     52-bit integers lie below the curve at any height; height of the curve at the end of each layer.
 */
function layers() {
  const scales = new Float64Array(LAYERS);
  const insides = new Float64Array(LAYERS);
  const heights = new Float64Array(LAYERS);
  let end = TAIL;
  let height = exponential(-product(TAIL, TAIL) / 2n);
  const base = (AREA << FRACTION_BITS) / height;
  scales[0] = toDouble(base) / 2 ** 52;
  insides[0] = Number((TAIL << 52n) / base);
  heights[0] = 1;
  for (let layer = LAYERS - 1; layer > 0; layer--) {
    scales[layer] = toDouble(end) / 2 ** 52;
    heights[layer] = toDouble(height);
    height += (AREA << FRACTION_BITS) / end;
    const next = layer > 1 ? squareRoot(-2n * logarithm(height)) : 0n;
    insides[layer] = Number((next << 52n) / end);
    end = next;
  }
  return { scales: scales.map((scale, layer) => shifted(scale, OFFSETS[layer])), insides, heights };
}

/** @type {ReturnType<typeof layers> | undefined} */
let made;

/**
 * A standard normal number.
 * @param {Philox} bits Moves on.
 * @returns {number}
 */
export function standardNormal(bits) {
  made ??= layers();
  const { scales, insides, heights } = made;
  for (;;) {
    bits.next();
    const layer = bits.low & 0xff;
    const place = (bits.high & 0x1fffffff) * 2 ** 23 + (bits.low >>> 9);
    const x = (bits.low & 0x100 ? -1 : 1) * (place * scales[layer]);
    if (place < insides[layer]) return x;
    if (layer === 0) return ofTail(bits, (bits.low & 0x20000) !== 0);
    const height = (heights[layer - 1] - heights[layer]) * bits.nextUniform() + heights[layer];
    if (height < Math.exp(-0.5 * x * x)) return x;
  }
}

/**
 * A normal number beyond the base, by Marsaglia's method of 1964.
 * @param {Philox} bits
 * @param {boolean} negative
 * @returns {number}
 */
function ofTail(bits, negative) {
  const edge = toDouble(TAIL);
  const inverse = toDouble((ONE << FRACTION_BITS) / TAIL);
  for (;;) {
    const beyond = -inverse * Math.log1p(-bits.nextUniform());
    const against = -Math.log1p(-bits.nextUniform());
    if (against + against > beyond * beyond) return negative ? -(edge + beyond) : edge + beyond;
  }
}
