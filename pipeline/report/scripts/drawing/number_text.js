// Numbers as a page writes them.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SMALLEST_PLAIN = 1e-3, LARGEST_PLAIN = 1e5;

/**
 * A number in few digits: `0.0125`, `2.5e-7`, `infinite`.
 * @param {number} value Any number.
 * @param {number} [digits] Significant digits.
 * @returns {string} The text.
 */
export function shortNumber(value, digits = 3) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  const size = Math.abs(value);
  if (value === 0 || (size >= SMALLEST_PLAIN && size < LARGEST_PLAIN)) return plain(Number(value.toPrecision(digits)));
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return minus(`${Number(mantissa)}e${Number(exponent)}`);
}

/**
 * A power of ten as print has it: `10⁻⁵`.
 * @param {number} exponent An integer.
 * @returns {string} The text.
 */
export function powerOfTen(exponent) {
  const digits = String(Math.abs(exponent)).split("").map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/**
 * The name of a tick of a logarithmic axis: `0.1`, `20`, `10⁻⁵`, `2·10⁻⁵`.
 * @param {number} value Above 0, with one digit.
 * @returns {string} The text.
 */
export function logTickText(value) {
  const [mantissa, exponent] = value.toExponential(0).split("e");
  if (Math.abs(Number(exponent)) <= 3) return String(Number(value.toPrecision(1)));
  return `${mantissa === "1" ? "" : `${mantissa}·`}${powerOfTen(Number(exponent))}`;
}

/**
 * The name of a tick of a linear axis, with as many decimals as its neighbours need.
 * @param {number} value The tick.
 * @param {number} step What lies between two of them.
 * @returns {string} The text.
 */
export function tickText(value, step) {
  if (Math.abs(value) >= LARGEST_PLAIN || step < 1e-6) return shortNumber(value);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return minus((Math.abs(value) < step / 2 ? 0 : value).toFixed(decimals));
}

/** @param {number} value A number without an exponent. */
function plain(value) {
  return minus(String(value));
}

/** @param {string} text A number, whose hyphen becomes a minus sign. */
function minus(text) {
  return text.replace(/-/g, "−");
}
