/** Plain values as Python writes them: an id is the digest of a text, so that every character counts. */

/**
 * A float as Python's `repr` writes it: its shortest digits, with a point or an exponent.
 * @param {number} value Finite.
 * @returns {string}
 */
export function floatText(value) {
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa, power] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  const sign = value < 0 ? "-" : "";
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** A number that Python has as a float, whether it is whole or not. */
export class PythonFloat {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/** A text that is JSON already. */
export class Written {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/**
 * JSON of a value as Python writes it with sorted keys and without spaces.
 * @param {any} value Objects, arrays, strings in ASCII, integers, `PythonFloat`, `Written`, truth values and null.
 * @returns {string}
 */
export function pythonJson(value) {
  if (value instanceof PythonFloat) return floatText(value.value);
  if (value instanceof Written) return value.text;
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${pythonJson(value[key])}`).join(",")}}`;
}
