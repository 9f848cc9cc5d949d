// Draws every chart of a page with Vega, and again when the page gets wider or narrower.

import { fitted } from "./fitting.js";

/** @param {HTMLElement} place */
async function draw(place) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec ?? "")?.textContent ?? "");
  const actions = {export: true, source: false, compiled: false, editor: false};
  const settings = {renderer: "svg", ast: true, actions: actions, downloadFileName: place.dataset.name};
  await vegaEmbed(place, spec, settings);
  const style = getComputedStyle(place), svg = place.querySelector("svg.marks");
  // The frame is as wide as its chart; what it may be is as wide as what it stands in.
  const frame = place.offsetWidth - place.clientWidth + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const room = (place.parentElement?.clientWidth ?? 0) - frame;
  if (svg && svg.getBoundingClientRect().width > room) await vegaEmbed(place, fitted(spec, room), settings);
}

/** @returns {Iterable<HTMLElement>} */
const places = () => document.querySelectorAll(".chart");

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
