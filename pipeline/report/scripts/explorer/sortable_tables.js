// Tables of the page that sort by a column, and those of many rows that show only rows with a word in them.

import { element } from "./elements.js";
import { orderOf } from "./sorting.js";

const ROWS_WORTH_A_FILTER = 12;

/** Makes every table of the page sort, and long ones filter. */
export function enhanceTables() {
  for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll(".scroll > table"))) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    makeSortable(table);
    if (body.rows.length >= ROWS_WORTH_A_FILTER) addFilter(table);
  }
}

/**
 * A button in the head of every column that sorts by it, again the other way round.
 * @param {HTMLTableElement} table
 */
export function makeSortable(table) {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  heads.forEach((head, column) => {
    const button = element("button", { type: "button", class: "sort" }, ...head.childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, heads, column));
  });
}

/**
 * @param {HTMLTableElement} table
 * @param {HTMLTableCellElement[]} heads
 * @param {number} column
 */
function sortBy(table, heads, column) {
  const head = heads[column],
    falls = head.ariaSort === "ascending",
    body = table.tBodies[0],
    rows = [...body.rows];
  const texts = rows.map((row) => row.cells[column]?.textContent ?? "");
  const order = orderOf(texts, head.classList.contains("number"), falls);
  body.replaceChildren(...order.map((place) => rows[place]));
  for (const other of heads) other.removeAttribute("aria-sort");
  head.ariaSort = falls ? "descending" : "ascending";
}

/** @param {HTMLTableElement} table */
function addFilter(table) {
  const scroller = /** @type {HTMLElement} */ (table.parentElement),
    body = table.tBodies[0];
  const field = element("input", { type: "search", autocomplete: "off" });
  const told = element("output", {}, "");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean),
      rows = [...body.rows];
    for (const row of rows) {
      const text = [...row.cells].map((cell) => cell.textContent?.toLowerCase() ?? "").join(" ");
      row.hidden = !words.every((word) => text.includes(word));
    }
    told.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
  });
  const label = element("label", { class: "filter" }, "Rows with ", field, " ", told);
  scroller.before(label);
}
