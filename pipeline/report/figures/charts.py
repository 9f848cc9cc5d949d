"""What the figures share: colours, axes, legends and the arrangement of panels.

The colours are six of Okabe and Ito, a grey and a violet, which colour-blind readers can tell apart; a
model keeps its colour and its symbol in every figure. Every figure is drawn on white, for
paper and slides; on a dark page it has no ground, and ``IN_THE_DARK`` are its colours.
"""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import polars as pl

Chart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.ConcatChart

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D", "#9F2EFB")
VIRIDIS = ("#440154", "#46327e", "#365c8d", "#277f8e", "#1f9a8a", "#48ad68", "#8fb93c", "#d8c21c")
"""Viridis up to a yellow that is seen on white, evenly brighter, whichever cones one sees with."""
VIRIDIS_IN_THE_DARK = ("#8552B3", "#7867C6", "#5584C8", "#2F9BAC", "#2FB09A", "#5CC46A", "#A6DA4A", "#FDE725")
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
CROSS = "M-0.6,-0.6L0.6,0.6M0.6,-0.6L-0.6,0.6"
INK, MUTED, EMPTY = "#222222", "#666666", "#E8E8E8"
GRID, AXIS, UNDER = "#EEEEEE", "#999999", "#BBBBBB"
"""Lines of the grid, of axes, and of what others are drawn over."""
IN_THE_DARK = {
    INK: "#ECECF0",
    MUTED: "#A3A3AD",
    EMPTY: "#3A3A42",
    GRID: "#2C2C33",
    AXIS: "#777780",
    UNDER: "#6A6A74",
    OKABE_ITO[6]: "#C8C8D0",
    **dict(zip(VIRIDIS, VIRIDIS_IN_THE_DARK, strict=True)),
}
"""Colours that cannot be seen on a dark page, or shine there, and what they are on it, in the same order of brightness.

The dots of yes and no stay black and white: their rims turn.
"""
PIXELS_OF_A_LETTER = 7.2
"""Of a title, in the mean; a title of capitals is wider, and then stands over the gap to the next panel."""
LETTERS_OF_A_LEGEND = 80
"""Of lines and symbols side by side, about as wide as a panel that stands alone."""
MOST_PANELS = 12
PIXELS_OF_A_ROW = 50
NAME_OF_ROW, TOP_OF_ROW, MIDDLE_OF_ROW, BOTTOM_OF_ROW = 0.04, 0.4, 0.67, 0.95
"""Places in the row of a model: its name stands above what is drawn there, so that no mark crosses it."""
KEY_OF_LEGEND = "key"
"""Of a layer: what it is called in a legend of layers."""
TINIEST, LARGEST = sys.float_info.min, sys.float_info.max / 10
"""What a logarithmic axis reaches to."""
GREATEST_POWER = sys.float_info.max_10_exp - 1


def chart_of(table: pl.DataFrame) -> alt.Chart:
    """A chart of the rows of a table, null for what is not finite; a panel stays below Altair's 5000 rows."""
    floats = [name for name, dtype in table.schema.items() if dtype.is_float()]
    words = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Enum)]
    finite = [pl.when(pl.col(name).is_finite()).then(name).alias(name) for name in floats]
    return alt.Chart(table.with_columns(*finite, pl.col(words).cast(pl.String)))


@dataclass(frozen=True)
class Panels:
    """Plots side by side, each written once: Altair's own ``concat`` copies every plot with all its layers three times.

    Args:
        plots: From left to right, row by row.
        columns: Plots of a row.
        title: Above all of them; none where it is empty.
    """

    plots: Sequence[Chart]
    columns: int
    title: str = ""

    def to_dict(self, validate: bool = True) -> dict[str, Any]:
        """The chart as Vega-Lite.

        Args:
            validate: Whether each plot is held against the schema, which takes as long as to write it.

        Returns:
            Plain JSON types.
        """
        context: dict[str, Any] = {"top_level": False, "datasets": {}}
        plots = [plot.to_dict(validate=validate, context=context) for plot in self.plots]
        frame = self._beside_each_other([]).to_dict(validate=False)
        return frame | {"concat": plots, "datasets": context["datasets"]}

    def chart(self) -> alt.ConcatChart:
        """The same as a chart of Altair, to be changed or shown in a notebook."""
        return self._beside_each_other(self.plots)

    def _beside_each_other(self, plots: Sequence[Chart]) -> alt.ConcatChart:
        whole = alt.ConcatChart(concat=list(plots), columns=self.columns, spacing=24)
        if self.title:
            whole.title = self.title
        styled(whole)
        return whole


Drawn = Chart | Panels


def panels(table: pl.DataFrame, draw: Callable[[pl.DataFrame], Chart], most_height: float = math.inf) -> Drawn | None:
    """One plot for each value of the column ``panel``, side by side; ``None`` for no rows.

    More than twelve panels would not be looked at: the first twelve are drawn, and the title says so.

    Args:
        table: What is drawn.
        draw: A plot of the rows of one panel.
        most_height: Of a plot, in pixels, where it needs less than is usual.

    Returns:
        A chart of one row.
    """
    if table.is_empty():
        return None
    titles = table["panel"].unique(maintain_order=True).to_list()
    columns = 1 if len(titles) == 1 else 2 if len(titles) in (2, 4) else 3
    width, height = {1: (520, 320), 2: (330, 240), 3: (215, 190)}[columns]
    plots = []
    for title in titles[:MOST_PANELS]:
        rows = table.filter(pl.col("panel") == title).drop("panel")
        plot = draw(rows)
        plot.title, plot.width, plot.height = title_lines(title, width), width, min(height, most_height)
        plots.append(plot)
    if len(plots) == 1:
        return styled(plots[0])
    whole = f"The first {MOST_PANELS} of {len(titles)} panels" if len(titles) > MOST_PANELS else ""
    return Panels(plots, columns, whole)


def title_lines(title: str, width: int) -> list[str]:
    """The title of a panel in lines that fit, whole: the problem above the model.

    Args:
        title: ``problem: model``, or the model alone.
        width: Of the panel, in pixels.

    Returns:
        Lines.
    """
    letters = int((width + 40) / PIXELS_OF_A_LETTER)
    return [line for part in title.split(": ", 1) for line in textwrap.wrap(part, letters) or [""]]


def styled(chart: Chart) -> Chart:
    """The chart on white, in one typeface, with quiet axes."""
    # Set in place: each of Altair's ``configure_...`` copies all panels with all their layers.
    chart.config = alt.Config(
        background="white",
        font="Helvetica, Arial, sans-serif",
        padding=10,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=MUTED,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=12,
            gridColor=GRID,
            domainColor=AXIS,
            tickColor=AXIS,
        ),
        legend=alt.LegendConfig(
            orient="top",
            titleOrient="left",
            symbolOpacity=1,
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=11.5,
            titleFontSize=12,
            labelLimit=0,  # none: what tells two labels apart may be their ends
        ),
        title=alt.TitleConfig(color=INK, fontSize=12.5, fontWeight="bold", anchor="start", offset=8),
    )
    return chart


def model_colour(names: Sequence[str]) -> alt.Color:
    """The colour of each model."""
    colours = [OKABE_ITO[index % len(OKABE_ITO)] for index in range(len(names))]
    return alt.Color("name:N", scale=alt.Scale(domain=list(names), range=colours), legend=_models(names))


def model_shape(names: Sequence[str]) -> alt.Shape:
    """The symbol of each model; colours start again after eight models, and meet other symbols then."""
    turn = len(SYMBOLS)
    symbols = [SYMBOLS[(index + index // turn) % turn] for index in range(len(names))]
    return alt.Shape("name:N", scale=alt.Scale(domain=list(names), range=symbols), legend=_models(names))


def _models(names: Sequence[str]) -> alt.Legend:
    return alt.Legend(title=None, columns=legend_columns(names, 110), symbolOpacity=1)


def legend_columns(names: Iterable[str], letters: int) -> int:
    """Columns of a legend that is about as wide as so many letters."""
    return max(1, min(6, letters // (max(map(len, names)) + 4)))


def ramp(num_colours: int) -> list[str]:
    """Colours from dark violet to yellow, in order of brightness, for quantities."""
    if num_colours == 1:
        return [VIRIDIS[3]]
    return [VIRIDIS[round(index * (len(VIRIDIS) - 1) / (num_colours - 1))] for index in range(num_colours)]


def names_in_rows(names: Sequence[str], rows: pl.DataFrame) -> alt.Chart:
    """The name of each model at the left of a row of its own, above what is drawn there: a run of one width."""
    text = chart_of(rows.select("name").unique(maintain_order=True))
    text = text.mark_text(align="left", baseline="top", dx=2, color=MUTED)
    return text.encode(x=alt.value(0), y=model_row(names, NAME_OF_ROW), text="name:N")


def height_of_rows(table: pl.DataFrame) -> float:
    """Of a plot with a row for each model where the table holds one width, in pixels; of another what is usual."""
    return PIXELS_OF_A_ROW * table["name"].n_unique() if table["width"].n_unique() == 1 else math.inf


def model_row(names: Sequence[str], place: float = MIDDLE_OF_ROW) -> alt.Y:
    """One row for each model, without an axis; 0 is the upper edge of a row, 1 the lower."""
    scale = alt.Scale(type="band", domain=list(names))
    return alt.Y("name:N", scale=scale, axis=None, bandPosition=place)


def width_axis(widths: Iterable[int]) -> alt.X:
    """Widths on a logarithmic axis, with ticks at those that ran."""
    ticks = sorted(set(widths))
    axis = alt.Axis(values=ticks, format="d", grid=False, labelOverlap=True)
    scale = alt.Scale(type="log", base=2, domain=[ticks[0], ticks[-1]], nice=False, padding=12)
    return alt.X("width:Q", title="width", scale=scale, axis=axis)


def log_axis(values: Sequence[float], *, grid: bool = True) -> alt.Axis:
    """An axis for positive numbers: ticks at powers of ten, at 1, 2, 5 as well where these are less than three."""
    ticks = log_ticks(min(values, default=1.0), max(values, default=1.0))
    return alt.Axis(values=ticks, labelExpr=tick_labels(ticks), grid=grid, labelOverlap=True)


def log_scale(values: Sequence[float]) -> tuple[alt.Scale, alt.Axis]:
    """A logarithmic scale a little wider than the values, a decade where they hold fewer than two ticks; its axis.

    Args:
        values: Positive and finite; of none the scale is around 1.

    Returns:
        The scale, and the axis with its ticks.
    """
    low, high = within_float64(min(values, default=1.0) / 1.3), within_float64(max(values, default=1.0) * 1.3)
    if sum(low <= tick <= high for tick in log_ticks(low, high)) < 2:
        low, high = low / math.sqrt(10), high * math.sqrt(10)
    return alt.Scale(type="log", domain=[low, high], nice=False), log_axis([low, high])


def of_several_seeds(rows: pl.DataFrame) -> bool:
    """Whether any point of a plot is the median of several seeds, by the column ``seeds``: one alone has no band."""
    return bool((rows["seeds"] > 1).any())


def leaves(values: pl.Series, frame: alt.Scale) -> bool:
    """Whether a mark leaves the frame and has to be cut off there, for which a renderer takes several times as long.

    Args:
        values: The heights of the mark; what is null is not drawn.
        frame: The scale of the heights.

    Returns:
        Whether one lies outside of its domain; never where Vega makes the domain from the numbers.
    """
    if frame.domain is alt.Undefined:
        return False
    low, high = frame.domain
    return not values.drop_nulls().is_between(low, high).all()


def within_float64(value: float) -> float:
    """The nearest number that a logarithmic axis reaches."""
    return min(max(value, TINIEST), LARGEST)


def step_axis(last: int) -> alt.Axis:
    """An axis for steps that shows step 0 and then powers of ten."""
    ticks = [0, *(tick for tick in log_ticks(1, max(last, 10)) if tick <= last)]
    return alt.Axis(values=ticks, labelExpr=tick_labels(ticks), grid=False, labelOverlap=True)


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from just below the least value to just above the greatest, about six of them.

    Args:
        low: The least value, positive.
        high: The greatest.

    Returns:
        Powers of ten; 1, 2 and 5 times these where fewer than three powers lie between.
    """
    low, high = within_float64(low), within_float64(high)
    first, last = math.floor(math.log10(low)), min(math.ceil(math.log10(high)), GREATEST_POWER)
    inner = sum(low <= power_of_ten(exponent) <= high for exponent in range(first, last + 1))
    if inner < 3:
        return [float(f"{digit}e{exponent}") for exponent in range(first, last + 1) for digit in (1, 2, 5)]
    stride = max(1, math.ceil((last - first) / 6))
    return [power_of_ten(exponent) for exponent in range(first - first % stride, last + 1, stride)]


def power_of_ten(exponent: int) -> float:
    """The float nearest to a power of ten, which multiplying does not always give."""
    return float(f"1e{exponent}")


def number_label(value: float) -> str:
    """A tick in words: plain from 0.001 to 1000, else as 1e5."""
    if value == 0 or 1e-3 <= value <= 1e3:
        return f"{value:g}"
    digits, exponent = f"{value:.0e}".split("e")
    return f"{digits}e{int(exponent)}"


def tick_labels(ticks: Sequence[float]) -> str:
    """An expression that spells each tick."""
    cases = [f"datum.value == {tick!r} ? '{number_label(tick)}'" for tick in ticks]
    return " : ".join([*cases, "''"])


Key = TypeVar("Key", alt.StrokeDash, alt.Shape, alt.Stroke)


def with_legend_entry(
    chart: alt.Chart, channel: type[Key], label: str, value: Any, *, among: dict[str, Any] | None = None
) -> alt.Chart:
    """The chart with one more channel that is the same everywhere and has an entry in a legend of its own.

    Layers that share a channel share its scale, so each must name the labels and values of all, in ``among``.

    Returns:
        A new chart; the given one stays as it is.
    """
    entries = among or {label: value}
    scale = alt.Scale(domain=list(entries), range=list(entries.values()))
    columns = legend_columns(entries, LETTERS_OF_A_LEGEND) if len(entries) > 1 else alt.Undefined
    legend = alt.Legend(title=None, columns=columns)
    entry = channel(f"{KEY_OF_LEGEND}:N", scale=scale, legend=legend)
    return chart.transform_calculate(**{KEY_OF_LEGEND: f"'{label}'"}).encode(entry)
