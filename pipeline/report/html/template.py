"""The fixed parts of the page: its look, and the script that draws the charts."""

from __future__ import annotations

from pipeline.report.figures.charts import IN_THE_DARK, INK


def _dark() -> str:
    """Rules that turn the colours of charts where the page is dark; what is drawn does not know of it."""
    line, area = "{1}[stroke='{0}'] {{ stroke: {2}; }}", "{1}[fill='{0}'] {{ fill: {2}; }}"
    rules = []
    for light, dark in IN_THE_DARK.items():
        filled = "text, .mark-rect path" if light == INK else "text, .mark-rect path, .mark-symbol path"
        rules += [line.format(light, "", dark), area.format(light, f":is({filled})", dark)]
    return "".join(f"  figure svg.marks {rule}\n" for rule in rules)


_STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --quiet: #63636a; --line: #d9d9de; --paper: #ffffff; --soft: #f5f5f7;
  --good: #00694b; --bad: #b23c00; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf0; --quiet: #a3a3ad; --line: #3a3a42; --paper: #17171a;
  --soft: #222227; --good: #4cc9a0; --bad: #ff9a5c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 16px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; text-wrap: balance; }
h2 { font-size: 1.25rem; margin: 2.8rem 0 .6rem; }
p { margin: .5rem 0; max-width: 46rem; }
.quiet, figcaption { color: var(--quiet); }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 1.1rem 0; list-style: none; }
.counts li { background: var(--soft); border-radius: .5rem; padding: .35rem .8rem; }
.counts b { font-size: 1.15rem; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0 0; }
figure .chart { display: block; border: 1px solid var(--line); border-radius: .6rem; padding: .4rem;
  overflow-x: auto; }
figure .chart summary { background: var(--soft); border-color: var(--line); color: var(--ink); }
figure svg.marks { display: block; }
figure noscript img { background: #fff; max-width: 100%; }
figcaption { font-size: .92rem; margin-top: .5rem; max-width: 46rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; margin: .6rem 0; }
.tall { max-height: 34rem; overflow-y: auto; }
table { border-collapse: collapse; font-size: .84rem; width: 100%; }
th { text-align: left; font-weight: 600; background: var(--soft); position: sticky; top: 0; vertical-align: bottom; }
th, td { padding: .3rem .65rem; white-space: nowrap; }
td { border-top: 1px solid var(--line); }
table.index td { white-space: normal; vertical-align: top; padding: .6rem .65rem; }
table.index img { width: 13rem; border: 1px solid var(--line); border-radius: .4rem; display: block; }
a { color: inherit; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.agrees { color: var(--good); }
td.contradicts { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: .6rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
summary { color: var(--quiet); cursor: pointer; }
pre { background: var(--soft); border-radius: .5rem; padding: .7rem .9rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .84rem; max-height: 18rem; overflow-y: auto; }
code { background: var(--soft); border-radius: .25rem; padding: .05rem .3rem; font-size: .9em;
  overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  figure .chart.has-actions { padding-right: .4rem; }
  figure .chart details { display: none; }
  table.index img { width: 5rem; }
}
@media screen and (prefers-color-scheme: dark) {
  figure svg.marks { background-color: transparent !important; }
@DARK@  table.index img { filter: invert(.91) hue-rotate(180deg); border-color: transparent; }
}
@media print {
  :root { --ink: #000; --quiet: #444; --line: #bbb; --paper: #fff; --soft: #f2f2f2; --good: #000; --bad: #000; }
  body { font-size: 10pt; } main { max-width: none; padding: 0; }
  .scroll, .tall { overflow: visible; max-height: none; border: 0; } th { position: static; }
  table { font-size: 7.5pt; } th, td { padding: .1rem .3rem; white-space: normal; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
  figure .chart { border: 0; padding: 0; } figure svg { max-width: 100%; height: auto; }
  details.vega-embed summary { display: none; }
}
"""

STYLE = _STYLE.replace("@DARK@", _dark())

DRAW = """
const AXES = 85, GAP = 24, LETTER = 6.7, SYMBOL = 34;  // in pixels

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

// The same chart where it has only so much room: fewer panels in a row, narrower ones, legends under each other.
function fitted(spec, room) {
  const chart = structuredClone(spec), panels = chart.concat ?? [chart];
  for (const panel of panels) if (panel.width > room - AXES) panel.width = Math.max(120, room - AXES);
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
  const settings = {renderer: "svg", actions: actions, downloadFileName: place.dataset.name};
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
"""

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob: file:"
)
"""What the browser may load: nothing that is not in the page, its own pictures excepted."""

CONVENTIONS = (
    "A loss is the mean over points of the sum over outputs; the square loss carries a factor 1/2, so it is "
    "1/(2N) times the sum of squared differences over N points, and the Hessian of a linear model is XᵀX/N. "
    "Predicted learning rates depend on this.",
    "The test error of a regression is the root mean square on points held out, in units of the target and without "
    "the noise of the training targets; that of a classification is the share of wrong answers.",
    "The condition number is that of the feature matrix X on the training points, from its singular values in float64: "
    "to be trusted below 1e12, to about one digit below 1e15, and from there on only known to be at least 1e15.",
    "The best learning rate is the one with the least median over seeds; a diverged trial counts as infinite. "
    "The verdict says whether linear models converged below the predicted limit 2/λmax (its analogue with "
    "momentum) and grew above it, which modes do that hold something at the start; rates within 1 % of the limit are "
    "not counted. The limit is exact for descent on all points of the square loss; what is known of others stands "
    "beside it.",
)
