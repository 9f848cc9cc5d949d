// Settings of a live figure: a value where a path leads, and a copy with another one there.

/**
 * @typedef {Record<string, any>} Setting As the playground has it.
 * @typedef {{label: string, path: string, isOrdered: boolean, choices: [string, any][]}} Knob
 */

/**
 * The value where a path leads; undefined where it leads nowhere.
 * @param {Setting} setting
 * @param {string} path Keys with dots in between.
 * @returns {any}
 */
export function valueAt(setting, path) {
  return path.split(".").reduce((/** @type {any} */ value, key) => value?.[key], setting);
}

/**
 * A copy with another value where a path leads.
 * @param {Setting} setting
 * @param {string} path Keys with dots in between.
 * @param {any} value
 * @returns {Setting}
 */
export function withValue(setting, path, value) {
  const [key, ...rest] = path.split(".");
  return { ...setting, [key]: rest.length ? withValue(setting[key] ?? {}, rest.join("."), value) : value };
}

/**
 * The place of a knob's choice that a setting has.
 * @param {Setting} setting
 * @param {Knob} knob
 * @returns {number} -1 if it has none of them.
 */
export function choiceOf(setting, knob) {
  const value = JSON.stringify(valueAt(setting, knob.path));
  return knob.choices.findIndex(([, one]) => JSON.stringify(one) === value);
}

/**
 * Whether a change takes effect while the figure goes on, as that of the learning rate does.
 * @param {Knob} knob
 * @returns {boolean}
 */
export function goesOn(knob) {
  return knob.path.split(".")[0] === "learning_rate";
}
