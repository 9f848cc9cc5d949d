"""What the figures share: colours, axes, legends and the arrangement of panels.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart; a
model keeps its colour and its symbol in every figure. Every panel is drawn on white, so
a figure looks the same on paper, on a slide and on a dark page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import altair as alt
import polars as pl

Chart = alt.Chart | alt.LayerChart | alt.ConcatChart

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D", "#8C6D1F")
VIRIDIS = ("#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#d8c21c")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
CROSS = "M-0.6,-0.6L0.6,0.6M0.6,-0.6L-0.6,0.6"
INK, MUTED, EMPTY = "#222222", "#666666", "#E8E8E8"
MOST_PANELS = 12


def chart_of(table: pl.DataFrame) -> alt.Chart:
    """A chart of rows written into it as they are, null for what is not finite."""
    finite = [pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in table.columns if _is_float(table, name)]
    return alt.Chart(alt.InlineData(values=table.with_columns(finite).to_dicts()))


def _is_float(table: pl.DataFrame, name: str) -> bool:
    return table.schema[name].is_float()


def panels(table: pl.DataFrame, draw: Callable[[pl.DataFrame], Chart]) -> Chart | None:
    """One plot for each value of the column ``panel``, side by side; ``None`` for no rows.

    More than twelve panels would not be looked at: the first twelve are drawn, and the title says so.
    """
    if table.is_empty():
        return None
    titles = table["panel"].unique(maintain_order=True).to_list()
    columns = 1 if len(titles) == 1 else 2 if len(titles) in (2, 4) else 3
    width, height = {1: (520, 320), 2: (330, 240), 3: (215, 190)}[columns]
    plots = []
    for title in titles[:MOST_PANELS]:
        rows = table.filter(pl.col("panel") == title).drop("panel")
        plots.append(draw(rows).properties(title=title, width=width, height=height))
    if len(plots) == 1:
        return styled(plots[0])
    whole = alt.concat(*plots, columns=columns, spacing=24)
    if len(titles) > MOST_PANELS:
        whole = whole.properties(title=f"The first {MOST_PANELS} of {len(titles)} panels")
    return styled(whole)


def styled(chart: Chart) -> Chart:
    """The chart on white, in one typeface, with quiet axes."""
    return (
        chart.configure(background="white", font="Helvetica, Arial, sans-serif", padding=10)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=12,
            gridColor="#EEEEEE",
            domainColor="#999999",
            tickColor="#999999",
        )
        .configure_legend(
            labelColor=INK, titleColor=INK, titleFontWeight="normal", labelFontSize=11.5, titleFontSize=12, labelLimit=260
        )
        .configure_title(color=INK, fontSize=12.5, fontWeight="bold", anchor="start", offset=8)
    )


def model_colour(names: Sequence[str]) -> alt.Color:
    """The colour of each model."""
    colours = [OKABE_ITO[index % len(OKABE_ITO)] for index in range(len(names))]
    return alt.Color("name:N", title="model", scale=alt.Scale(domain=list(names), range=colours), legend=_models(names))


def model_shape(names: Sequence[str]) -> alt.Shape:
    """The symbol of each model; colours start again after eight models, and meet other symbols then."""
    turn = len(SYMBOLS)
    symbols = [SYMBOLS[(index + index // turn) % turn] for index in range(len(names))]
    return alt.Shape("name:N", title="model", scale=alt.Scale(domain=list(names), range=symbols), legend=_models(names))


def _models(names: Sequence[str]) -> alt.Legend:
    return alt.Legend(orient="top", direction="horizontal", columns=4, symbolOpacity=1)


def ramp(num_colours: int) -> list[str]:
    """Colours from dark violet to yellow, in order of brightness, for quantities."""
    if num_colours == 1:
        return [VIRIDIS[3]]
    return [VIRIDIS[round(index * (len(VIRIDIS) - 1) / (num_colours - 1))] for index in range(num_colours)]


def width_axis(widths: Sequence[int]) -> alt.X:
    """Widths on a logarithmic axis, with ticks at those that ran."""
    axis = alt.Axis(values=sorted(set(widths)), format="d", grid=False, labelOverlap=True)
    return alt.X("width:Q", title="width", scale=alt.Scale(type="log", base=2, nice=False, padding=12), axis=axis)


def log_axis(*, grid: bool = True) -> alt.Axis:
    """Powers of ten, at most about six, written 10^n."""
    exponent = "format(round(log(datum.value) / LN10), 'd')"
    is_power = "abs(log(datum.value) / LN10 - round(log(datum.value) / LN10)) < 1e-6"
    small = "datum.value >= 0.001 && datum.value <= 1000"
    return alt.Axis(
        labelExpr=f"{small} ? format(datum.value, '~g') : {is_power} ? '1e' + {exponent} : format(datum.value, '~e')",
        tickCount=6,
        grid=grid,
        labelOverlap=True,
    )


def powers_of_ten(last: int) -> list[int]:
    """0, 1, 10, ... up to a number, at most about seven of them."""
    exponents = range(0, int(math.log10(max(last, 1))) + 1, 1 if last < 10**6 else 2)
    return [0, *(10**exponent for exponent in exponents)]
