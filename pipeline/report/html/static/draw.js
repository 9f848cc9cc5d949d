const AXES = 85, GAP = 24, LETTER = 6.7, LETTER_OF_A_TITLE = 7.2, SYMBOL = 34;  // in pixels

// Legends in as many columns as there is room for, wherever in a chart they are.
function narrowed(node, room) {
  if (node === null || typeof node !== "object") return;
  const legend = node.legend, labels = node.scale?.domain;
  if (legend && labels) {
    const left = room - (legend.title === null ? 0 : LETTER * String(node.title ?? "").length);
    const longest = Math.max(...labels.map((label) => String(label).length));
    const fitting = Math.floor(left / (longest * LETTER + SYMBOL));
    legend.columns = Math.max(1, Math.min(legend.columns ?? labels.length, fitting));
    if (legend.gradientLength) legend.gradientLength = Math.min(legend.gradientLength, left - 2 * SYMBOL);
  }
  for (const [name, child] of Object.entries(node)) if (name !== "data" && name !== "datasets") narrowed(child, room);
}

// The lines of a title, each broken where it would be wider than so many pixels.
function broken(lines, room) {
  const letters = Math.floor(room / LETTER_OF_A_TITLE), whole = [];
  for (const line of [lines].flat()) {
    let last = "";
    for (const word of line.split(" ")) {
      if (last && last.length + 1 + word.length > letters) { whole.push(last); last = word; }
      else last = last ? `${last} ${word}` : word;
    }
    whole.push(last);
  }
  return whole;
}

// The same chart where it has only so much room: fewer panels in a row, narrower ones, legends under each other.
function fitted(spec, room) {
  const chart = structuredClone(spec), panels = chart.concat ?? [chart];
  for (const panel of panels) {
    if (panel.width > room - AXES) panel.width = Math.max(120, room - AXES);
    if (panel.title) panel.title = broken(panel.title, room - GAP);
  }
  const beside = Math.floor((room + GAP) / (panels[0].width + AXES + GAP));
  if (chart.concat) chart.columns = Math.max(1, Math.min(chart.columns, beside));
  const layout = {top: {anchor: "start", direction: "vertical", margin: 6}};
  chart.config = {...chart.config, legend: {...chart.config?.legend, layout: layout}};
  narrowed(chart, room);
  return chart;
}

async function draw(place) {
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  const actions = {export: true, source: false, compiled: false, editor: false};
  const settings = {renderer: "svg", ast: true, actions: actions, downloadFileName: place.dataset.name};
  await vegaEmbed(place, spec, settings);
  const style = getComputedStyle(place), svg = place.querySelector("svg.marks");
  const room = place.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  if (svg.getBoundingClientRect().width > room) await vegaEmbed(place, fitted(spec, room), settings);
}

function drawAll() {
  for (const place of document.querySelectorAll(".chart")) {
    draw(place)
      .then(() => { place.dataset.drawn = "yes"; })
      .catch((error) => { place.dataset.drawn = "no"; place.textContent = String(error); console.error(error); });
  }
}

let width = window.innerWidth, wait;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  for (const place of document.querySelectorAll(".chart")) delete place.dataset.drawn;
  clearTimeout(wait);
  wait = setTimeout(drawAll, 200);
});
drawAll();
