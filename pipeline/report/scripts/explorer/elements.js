// Elements of a page made from data, of which nothing becomes markup.

/**
 * An element with attributes and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] False, null and undefined are left out.
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(made, name, value);
  made.append(...children);
  return made;
}

/**
 * An element of SVG.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Element} children
 * @returns {SVGElement}
 */
export function svgElement(tag, attributes, ...children) {
  const made = /** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * @param {Element} on
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
function setAttribute(on, name, value) {
  if (value === false || value === null || value === undefined) on.removeAttribute(name);
  else on.setAttribute(name, value === true ? "" : String(value));
}

/**
 * A label with a choice among words.
 * @param {string} label
 * @param {readonly string[]} words
 * @param {(place: number) => void} onChoose
 * @returns {{label: HTMLLabelElement, choose: (place: number) => void}}
 */
export function choiceOf(label, words, onChoose) {
  const select = element("select", {}, ...words.map((word, place) => element("option", { value: place }, word)));
  select.addEventListener("change", () => onChoose(Number(select.value)));
  const whole = element("label", { class: "choice" }, element("span", {}, label), select);
  return {
    label: whole,
    choose: (place) => {
      select.value = String(place);
    },
  };
}
