// Draws every chart of a page with Vega, and again when the page gets wider or narrower.

import { createPageChart } from "./page_chart.js";

/** @typedef {import("./page_chart.js").PageChart} PageChart */

/** @type {Map<HTMLElement, PageChart>} */
const charts = new Map();

/** @returns {Iterable<HTMLElement>} */
const places = () => document.querySelectorAll(".chart");

/** @param {HTMLElement} place */
async function draw(place) {
  const chart = charts.get(place) ?? createPageChart(place);
  charts.set(place, chart);
  await chart.draw();
}

function drawAll() {
  for (const place of places()) {
    draw(place)
      .then(() => { place.dataset.drawn = "yes"; })
      .catch((error) => { place.dataset.drawn = "no"; place.textContent = String(error); console.error(error); });
  }
}

let width = window.innerWidth;
/** @type {number | undefined} */
let wait;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  for (const place of places()) delete place.dataset.drawn;
  clearTimeout(wait);
  wait = setTimeout(drawAll, 200);
});
drawAll();
