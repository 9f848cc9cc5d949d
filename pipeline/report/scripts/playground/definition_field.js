// A definition to choose: a list of names, and a field for each number or definition that the chosen one takes.

import { DEFINITIONS } from "../descent/definitions.js";
import { fieldsOf, nameOf, written } from "../playground/written_names.js";

/** @typedef {import("../descent/definitions.js").Field} Field */
/** @typedef {Record<string, Record<string, string>>} Summaries By kind and name, one sentence each. */

let last = 0;

/** A definition of one kind, as a person chooses it. */
export class DefinitionField {
  /**
   * @param {string} label What stands before it.
   * @param {string} table Its kind, as in `DEFINITIONS`.
   * @param {Summaries} summaries Shown below the list.
   * @param {(written: any) => void} choose Called with what is chosen.
   */
  constructor(label, table, summaries, choose) {
    this.table = table;
    this.summaries = summaries;
    this.choose = choose;
    this.list = document.createElement("select");
    this.element = labelled(label, this.list);
    this.summary = document.createElement("p");
    this.summary.className = "quiet summary";
    this.fields = document.createElement("div");
    this.fields.className = "fields";
    this.element.append(this.summary, this.fields);
    /** @type {Record<string, (value: any) => void>} */
    this.showers = {};
    this.shown = "";
    this.value = /** @type {any} */ ("");
    this.offer(Object.keys(DEFINITIONS[table]));
    this.list.addEventListener("change", () => this.take(this.list.value));
  }

  /** @param {string[]} names Those that can be chosen. */
  offer(names) {
    if (names.join() === Array.from(this.list.options, (option) => option.value).join()) return;
    const options = names.map((name) => new Option(name.replaceAll("_", " "), name));
    this.list.replaceChildren(...options);
    this.list.value = this.shown;
  }

  /** @param {any} value What is chosen now, as a setting has it. */
  show(value) {
    const name = nameOf(value), fields = fieldsOf(value), takes = DEFINITIONS[this.table][name] ?? {};
    this.value = value;
    if (name !== this.shown) this.rebuild(name, takes);
    for (const [field, show] of Object.entries(this.showers)) show(fields[field] ?? takes[field].fallback);
  }

  /**
   * @param {string} name
   * @param {Record<string, Field>} takes
   */
  rebuild(name, takes) {
    this.shown = name;
    this.list.value = name;
    this.summary.textContent = (this.summaries[this.table]?.[name] ?? "").replaceAll("`", "");
    this.showers = {};
    this.fields.replaceChildren();
    for (const [field, kind] of Object.entries(takes)) {
      const change = (/** @type {any} */ value) => this.take(name, { ...fieldsOf(this.value), [field]: value });
      const { element, show } = fieldOf(field, kind, this.summaries, change);
      element.dataset.field = field;
      this.fields.append(element);
      this.showers[field] = show;
    }
  }

  /**
   * @param {string} name
   * @param {Record<string, any>} [fields]
   */
  take(name, fields = {}) {
    this.show(written(name, fields));
    this.choose(this.value);
  }
}

/**
 * A field of a definition.
 * @param {string} name Its name.
 * @param {Field} field What it takes.
 * @param {Summaries} summaries Of definitions.
 * @param {(value: any) => void} choose Called with what is chosen.
 * @returns {{element: HTMLElement, show: (value: any) => void}}
 */
function fieldOf(name, field, summaries, choose) {
  const label = name.replaceAll("_", " ");
  if (field.type === "definition") {
    const inner = new DefinitionField(label, field.range, summaries, choose);
    return { element: inner.element, show: (value) => inner.show(value) };
  }
  if (field.type === "choice") {
    const list = document.createElement("select");
    for (const one of field.range.split(" or ")) list.append(new Option(one.replaceAll("_", " "), one));
    list.addEventListener("change", () => choose(list.value));
    return { element: labelled(label, list), show: (value) => { list.value = value; } };
  }
  const input = numberInput((value) => choose(field.type === "seed" && value === null ? "trial" : value), field);
  const show = (/** @type {any} */ value) => { input.value = value === "trial" || value === null ? "" : String(value); };
  return { element: labelled(label, input), show };
}

/**
 * A field for a number; what is no number is not taken, and the field says so.
 * @param {(value: number | null) => void} choose Called with what is typed, `null` for nothing where that may be.
 * @param {Field} field What it takes.
 * @returns {HTMLInputElement}
 */
function numberInput(choose, field) {
  const input = document.createElement("input");
  input.type = "text";
  input.inputMode = "decimal";
  input.addEventListener("change", () => {
    const text = input.value.trim(), value = text === "" ? NaN : Number(text);
    const empty = text === "" && (field.type === "seed" || field.type === "optional");
    const whole = field.type === "float" || Number.isSafeInteger(value);
    const good = empty || (Number.isFinite(value) && whole && field.allows(value));
    input.setCustomValidity(good ? "" : `Take ${field.range}.`);
    input.setAttribute("aria-invalid", String(!good));
    if (good) choose(empty ? null : value);
    else input.reportValidity();
  });
  return input;
}

/**
 * A control with its name before it.
 * @param {string} label Its name.
 * @param {HTMLElement} control The control.
 * @returns {HTMLDivElement} Both.
 */
export function labelled(label, control) {
  const element = document.createElement("div"), name = document.createElement("label");
  last += 1;
  control.id ||= `choice-${last}`;
  name.htmlFor = control.id;
  name.textContent = label;
  element.className = "field";
  element.append(name, control);
  return element;
}
