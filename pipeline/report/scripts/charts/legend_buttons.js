// The entries of a chart's legends as buttons over the legends that Vega draws: for the mouse, a finger and the keyboard.

/** @typedef {import("./chart_legends.js").Legend} Legend */
/** @typedef {{legend: Legend, entry: string | number, button: HTMLButtonElement}} LegendButton */

const MARGIN = 3;  // in pixels

/**
 * A button for each entry, in the order of the legends.
 * @param {Legend[]} legends
 * @param {(legend: Legend, entry: string | number, click: MouseEvent) => void} onChoose
 * @returns {LegendButton[]}
 */
export function createLegendButtons(legends, onChoose) {
  return legends.flatMap((legend) => legend.entries.map((entry) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", String(entry));
    button.title = `Hide or show “${entry}”; with Shift, or a double click, show it alone`;
    button.addEventListener("click", (event) => onChoose(legend, entry, event));
    return { legend, entry, button };
  }));
}

/**
 * Put every button over its entry of the legend; one whose entry is not drawn is hidden.
 * @param {LegendButton[]} buttons
 * @param {HTMLElement} place What they stand in, and the chart with them.
 */
export function placeLegendButtons(buttons, place) {
  const drawn = [...place.querySelectorAll("g.role-legend")].map((legend) =>
    [...legend.querySelectorAll(".role-legend-label text")]);
  const origin = place.getBoundingClientRect();
  const left = origin.left + place.clientLeft - place.scrollLeft, top = origin.top + place.clientTop - place.scrollTop;
  for (const { legend, entry, button } of buttons) {
    const labels = drawn.find((texts) => texts.length === legend.entries.length
      && texts.every((text, number) => text.textContent === String(legend.entries[number])));
    const box = labels && boxOf(labels[legend.entries.indexOf(entry)]);
    button.hidden = !box;
    if (!box) continue;
    button.style.left = `${box.left - left - MARGIN}px`;
    button.style.top = `${box.top - top - MARGIN}px`;
    button.style.width = `${box.width + 2 * MARGIN}px`;
    button.style.height = `${box.height + 2 * MARGIN}px`;
  }
}

/**
 * Where an entry is: its symbol and its label.
 * @param {Element} label
 */
function boxOf(label) {
  const entry = label.closest(".role-legend-label")?.parentElement ?? label;
  const parts = [...entry.querySelectorAll("path, text")].filter((part) => part.getAttribute("d") !== "M0,0h0v0h0Z");
  const boxes = parts.map((part) => part.getBoundingClientRect()).filter((box) => box.width + box.height > 0);
  const left = Math.min(...boxes.map((box) => box.left)), top = Math.min(...boxes.map((box) => box.top));
  const right = Math.max(...boxes.map((box) => box.right)), bottom = Math.max(...boxes.map((box) => box.bottom));
  return { left, top, width: right - left, height: bottom - top };
}
