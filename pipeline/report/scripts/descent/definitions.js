/**
 * What the page can compute, by the words of a YAML file: names of definitions, their fields, defaults and ranges.
 *
 * A test holds the tables against those of Python: what is missing here is on a list there, with the reason.
 */

/**
 * @typedef {object} Field
 * @property {"float" | "floats" | "integer" | "optional" | "seed" | "choice" | "definition"} type What it takes; optional
 *     is an integer or null.
 * @property {any} fallback What it is where it is not written.
 * @property {string} range Of a number: where it may lie, in words; of a choice or definition: what is to be taken.
 * @property {(value: any) => boolean} allows Whether a value of the type may be taken.
 */

/** @typedef {Record<string, Field>} Fields */

/**
 * @param {number} fallback
 * @param {string} range
 * @param {(value: number) => boolean} allows
 * @returns {Field}
 */
function float(fallback, range = "a finite number", allows = () => true) {
  return { type: "float", fallback, range, allows };
}

/**
 * @param {number} fallback
 * @param {number} least
 * @param {number} [most]
 * @returns {Field}
 */
function integer(fallback, least, most = Infinity) {
  const range = `an integer from ${least}${most < Infinity ? ` to ${most}` : ""}`;
  return { type: "integer", fallback, range, allows: (value) => value >= least && value <= most };
}

/**
 * @param {...number} fallback
 * @returns {Field}
 */
function floats(...fallback) {
  return { type: "floats", fallback, range: "a list of finite numbers", allows: () => true };
}

/**
 * @param {...string} choices The first is the default.
 * @returns {Field}
 */
function choice(...choices) {
  const range = choices.join(" or ");
  return { type: "choice", fallback: choices[0], range, allows: (value) => choices.includes(value) };
}

/**
 * @param {string} fallback Name of a definition.
 * @param {string} table Which definitions can be taken.
 * @returns {Field}
 */
function definition(fallback, table) {
  return { type: "definition", fallback, range: table, allows: () => true };
}

/** @type {Field} */
const seed = { type: "seed", fallback: "trial", range: "an integer, or trial", allows: () => true };
/** @type {Field} */
const scale = float(1, "a number above 0", (value) => value > 0);
const fraction = /** @param {number} fallback */ (fallback) =>
  float(fallback, "a number from 0 to below 1", (value) => value >= 0 && value < 1);
const interval = { low: float(-1), high: float(1) };

/** @type {Record<string, Record<string, Fields>>} */
export const DEFINITIONS = {
  target: {
    absolute_value: {},
    step: { at: float(0) },
    sine: { frequency: float(2, "a number above 0", (value) => value > 0) },
    runge: {},
    x_squared: {},
    one_plus_power: { power: integer(10, 1) },
    chebyshev_polynomial: { degree: integer(3, 0, 1000) },  // each value takes as many steps
    gaussian: { scale },
    piecewise_linear: { knots: floats(-0.5, 0, 0.5), values: floats(0, 1, 0) },
    xor: {},
    outer_ring: { radius: float(0.65, "a number above 0", (value) => value > 0) },
    spirals: { classes: integer(3, 2, 10), turns: float(0.5) },
  },
  measure: {
    uniform: interval,
    grid: interval,
    normal: { scale },
    corners: {},
    rings: {
      inner: float(0.4, "a number above 0", (value) => value > 0),
      outer: float(0.9, "a number above 0", (value) => value > 0),
      blur: float(0.05, "a number from 0", (value) => value >= 0),
    },
  },
  model: {
    linear: {
      basis: definition("legendre", "basis"),
      product: choice("total_degree", "full"),
      coordinates: choice("cartesian", "polar"),
    },
    greedy: {
      dictionary: definition("monomial", "basis"),
      size: { ...integer(0, 1, 4096), type: "optional", fallback: null },
      product: choice("total_degree", "full"),
      rule: choice("least_squares", "inner_product"),
    },
    shallow: {
      activation: definition("relu", "activation"),
      initialisation: definition("uniform_fan_in", "initialisation"),
    },
  },
  basis: {
    monomial: {},
    legendre: {},
    chebyshev: {},
    cosine: {},
    fourier: {},
    haar: {},
    ridge: { power: integer(1, 1) },
    hat: {},
    b_spline: { degree: integer(3, 0, 1000) },  // each value takes as many steps
    gaussian_bump: { overlap: float(1, "a number above 0", (value) => value > 0) },
    random_fourier: { scale, seed },
    random_relu: { seed },
  },
  activation: { relu: {}, leaky_relu: { slope: fraction(0.01) }, sigmoid: {}, tanh: {}, identity: {} },
  initialisation: { uniform_fan_in: {}, he: {}, kinks_inside: {}, glorot: {}, lecun: {} },
  loss: { half_mean_square: {}, softmax_cross_entropy: {}, binary_cross_entropy: {}, brier_score: {} },
  optimizer: {
    gradient_descent: {},
    momentum: { momentum: fraction(0.9) },
    nesterov: { momentum: fraction(0.9) },
    adam: {
      beta1: fraction(0.9),
      beta2: fraction(0.999),
      epsilon: float(1e-8, "a number above 0", (value) => value > 0),
    },
  },
};

/** A definition as it is read: its name, and every field, defaults included. */
/** @typedef {{name: string, fields: Record<string, any>}} Definition */

/**
 * A definition as it is written in YAML, `relu` or `{leaky_relu: {slope: 0.2}}`, or flat, `{name: leaky_relu, slope: 0.2}`.
 * @param {string} table Which definitions can be taken.
 * @param {any} written
 * @returns {Definition} With the defaults of what is not written.
 * @throws {RangeError} With a sentence, if there is no such definition or a field is not what it takes.
 */
export function readDefinition(table, written) {
  const [name, given] = namedFields(table, written);
  const known = DEFINITIONS[table];
  if (!Object.hasOwn(known, name)) {
    throw new RangeError(`There is no ${table} called ${name}: take ${Object.keys(known).join(", ")}.`);
  }
  for (const field of Object.keys(given)) {
    if (!Object.hasOwn(known[name], field)) throw new RangeError(`${name} has no field called ${field}.`);
  }
  /** @type {Record<string, any>} */
  const fields = {};
  for (const [field, takes] of Object.entries(known[name])) {
    const value = Object.hasOwn(given, field) ? given[field] : takes.fallback;
    fields[field] = readField(`${field} of ${name}`, takes, value);
  }
  return { name, fields };
}

/**
 * Name and fields of a definition, however it is written.
 * @param {string} table
 * @param {any} written
 * @returns {[string, Record<string, any>]}
 */
function namedFields(table, written) {
  if (typeof written === "string") return [written, {}];
  if (written === null || typeof written !== "object" || Array.isArray(written)) {
    throw new RangeError(`No ${table} is given.`);
  }
  if (typeof written.name === "string") {
    const { name, ...fields } = written;
    return [name, fields];
  }
  const names = Object.keys(written);
  if (names.length !== 1) throw new RangeError(`A ${table} is one name with its fields, not ${names.length} names.`);
  return [names[0], written[names[0]] ?? {}];
}

/**
 * The value of a field.
 * @param {string} what The field, in words.
 * @param {Field} takes
 * @param {any} value
 * @returns {any}
 */
function readField(what, takes, value) {
  if (takes.type === "definition") return readDefinition(takes.range, value);
  const typed = {
    float: Number.isFinite(value),
    floats: Array.isArray(value) && value.every(Number.isFinite),
    integer: Number.isSafeInteger(value),
    optional: value === null || Number.isSafeInteger(value),
    seed: value === "trial" || Number.isSafeInteger(value),
    choice: typeof value === "string",
  }[takes.type];
  if (!typed || !(value === null || takes.allows(value))) {
    throw new RangeError(`${what} must be ${takes.range}, not ${JSON.stringify(value)}.`);
  }
  return value;
}
