// Definitions as YAML writes them: `relu`, or `{leaky_relu: {slope: 0.2}}`.

/** @typedef {string | Record<string, Record<string, any> | null>} Written */

/**
 * The name of a definition.
 * @param {any} written As a setting has it; `{name: sine, frequency: 2}` as well.
 * @returns {string} Empty for none.
 */
export function nameOf(written) {
  if (typeof written === "string") return written;
  if (written === null || typeof written !== "object") return "";
  return typeof written.name === "string" ? written.name : Object.keys(written)[0] ?? "";
}

/**
 * What is said of a definition besides its name.
 * @param {any} written As a setting has it.
 * @returns {Record<string, any>} A copy.
 */
export function fieldsOf(written) {
  if (written === null || typeof written !== "object") return {};
  if (typeof written.name !== "string") return { ...Object.values(written)[0] };
  const { name: _, ...fields } = written;
  return fields;
}

/**
 * A definition as it is written.
 * @param {string} name Its name.
 * @param {Record<string, any>} fields What is said besides.
 * @returns {Written} The name alone where there is nothing to say.
 */
export function written(name, fields) {
  return Object.keys(fields).length ? { [name]: fields } : name;
}
