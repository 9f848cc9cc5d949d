"""A dashboard of W&B as a picture that is drawn here, from its sections as JSON and the numbers that it would show.

The look is ours and not W&B's. What is drawn is what the JSON says: which metric against which axis, how
runs are grouped, aggregated and coloured, and on which scales. Of panels that only W&B can draw a frame is left.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl
import vl_convert

from pipeline.report.figures.charts import EMPTY, INK, MUTED, Chart, chart_of, ramp, styled
from pipeline.report.tables.printing import number_of, shown

COLUMNS, WIDTH, HEIGHT = 3, 250, 150
MOST_LINES, MOST_LETTERS = 9, 52
"""Of a text that is shown."""
MOST_GROUPS, WIDEST_LABEL = 10, 84
"""Lines that a legend names, and its width in pixels: longer ones would lie over the panels beside."""
AXIS = alt.Axis(format=".4~g", tickCount=5, labelFontSize=9, titleFontSize=10, labelOverlap=True)
AGGREGATES: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "median": pl.Expr.median,
    "mean": pl.Expr.mean,
    "min": pl.Expr.min,
    "max": pl.Expr.max,
}

Panel = Mapping[str, Any]


@dataclass(frozen=True)
class Numbers:
    """The numbers that a dashboard shows.

    Args:
        runs: One row for each run; columns ``run``, and as W&B names them ``config:width.value``, ``summary:loss``...
        history: Columns ``run``, ``name``, ``step``, ``value``.
        sweep: The summary of the sweep's own run.
    """

    runs: pl.DataFrame
    history: pl.DataFrame
    sweep: Mapping[str, Any]


def preview(sections: Sequence[Mapping[str, Any]], numbers: Numbers, title: str, most_panels: int) -> bytes:
    """A dashboard as a PNG.

    Args:
        sections: As W&B has them: each with ``name`` and ``panels``.
        numbers: Those that it shows.
        title: Stands above all.
        most_panels: So many of each section; how many more there are is said.
    """
    picture: bytes = vl_convert.vegalite_to_png(json.dumps(drawing(sections, numbers, title, most_panels)))
    return picture


def drawing(sections: Sequence[Mapping[str, Any]], numbers: Numbers, title: str, most_panels: int) -> dict[str, Any]:
    """The same as Vega-Lite."""
    rows = [_section(section, numbers, most_panels) for section in sections]
    whole = alt.vconcat(*rows, spacing=24, title=alt.TitleParams(title, fontSize=14, offset=24))
    return styled(whole.resolve_scale(color="independent", strokeDash="independent")).to_dict()


def _section(section: Mapping[str, Any], numbers: Numbers, most: int) -> Chart:
    """The first panels that have something to show; where none has, a line that says so."""
    name, panels = section["name"], section["panels"]
    drawn = [(panel, _drawn(panel, numbers)) for panel in panels]
    first = sorted(drawn, key=lambda pair: pair[1] is None)[:most]
    if first[0][1] is None:
        nothing = _words([f"none of its {number_of(len(panels), 'panel')} has numbers here"], left=True)
        return nothing.properties(title=name, width=WIDTH, height=26)
    more = f", and {number_of(len(panels) - most, 'more panel')}" if len(panels) > most else ""
    charts = [_panel(panel, chart) for panel, chart in first]
    # Flush, so that frames stand in columns whatever is beside them; the space holds axes and legends.
    together = alt.concat(
        *charts, columns=COLUMNS, bounds="flush", spacing={"row": 75, "column": 135}, title=f"{name}{more}"
    )
    return together.resolve_scale(color="independent", strokeDash="independent")


def _drawn(panel: Panel, numbers: Numbers) -> Chart | None:
    draw = DRAWN.get(panel["viewType"])
    return draw(panel["config"], numbers) if draw else None


def _panel(panel: Panel, drawn: Chart | None) -> Chart:
    """A panel under its title; a frame where it has nothing to show here."""
    kind = panel["viewType"]
    instead = f"{kind}: {'no numbers' if kind in DRAWN else 'drawn by W&B'}"
    chart = _words([instead]) if drawn is None else drawn
    title = alt.TitleParams(panel["config"].get("chartTitle") or kind, fontSize=11, fontWeight="normal", limit=WIDTH)
    return chart.properties(title=title, width=WIDTH, height=HEIGHT)


# Kinds of panels.


def _lines(config: Mapping[str, Any], numbers: Numbers) -> Chart | None:
    """Each metric against the step, aggregated over the runs of each group, with their range."""
    group = _rounded(numbers.runs, f"config:{config['groupBy']}").alias("group")
    rows = numbers.history.filter(pl.col("name").is_in(config["metrics"]), pl.col("value").is_finite())
    rows = rows.join(numbers.runs.select("run", group), on="run")
    if config.get("yLogScale"):
        rows = rows.filter(pl.col("value") > 0)
    value = pl.col("value")
    many = rows.group_by("name", "group", "step").agg(
        AGGREGATES[config["groupAgg"]](value).alias("value"), value.min().alias("low"), value.max().alias("high")
    )
    if many.is_empty():
        return None
    base = chart_of(many.sort("name", "group", "step")).encode(
        x=alt.X("step:Q", title=config["xAxis"], axis=AXIS), color=_groups(many["group"], config["groupBy"])
    )
    y = functools.partial(alt.Y, scale=_scale(config.get("yLogScale")), axis=AXIS, title=None)
    dash = alt.StrokeDash("name:N", legend=None, sort=config["metrics"])
    line = base.mark_line(strokeWidth=1.4).encode(y=y("value:Q"), strokeDash=dash)
    if config.get("groupArea") == "none":
        return line
    band = base.mark_area(opacity=0.12).encode(y=y("low:Q"), y2="high:Q")
    return alt.layer(band.transform_filter(alt.datum.name == config["metrics"][0]), line)


def _scatter(config: Mapping[str, Any], numbers: Numbers) -> Chart | None:
    """Each run as a point, coloured by a third number."""
    axes = {axis: config[f"{axis}Axis"] for axis in ("x", "y", "z") if config.get(f"{axis}Axis")}
    rows = _numbers(numbers.runs, axes, [axis for axis in axes if config.get(f"{axis}AxisLogScale")])
    if rows is None:
        return None
    points = chart_of(rows).mark_circle(size=28, opacity=0.8)
    places = {
        axis: kind(f"{axis}:Q", title=_named(axes[axis]), axis=AXIS, scale=_scale(config.get(f"{axis}AxisLogScale")))
        for axis, kind in (("x", alt.X), ("y", alt.Y))
    }
    points = points.encode(**places)
    if "z" not in axes:
        return points.encode(color=alt.value(INK))
    colours = [stop["color"] for stop in config.get("customGradient", [])] or ramp(4)
    scale = alt.Scale(type="log" if config.get("zAxisLogScale") else "linear", range=colours)
    legend = alt.Legend(orient="right", title=None, gradientLength=HEIGHT - 30, format=".2~g", labelFontSize=9)
    return points.encode(color=alt.Color("z:Q", scale=scale, legend=legend))


def _bars(config: Mapping[str, Any], numbers: Numbers) -> Chart | None:
    """A number of the runs of each group."""
    axes = {"value": f"summary:{config['metrics'][0]}", "group": f"config:{config['groupBy']}"}
    rows = _numbers(numbers.runs, axes, [])
    if rows is None:
        return None
    bars = rows.group_by("group").agg(AGGREGATES[config["groupAgg"]](pl.col("value"))).sort("group")
    group = alt.X("group:O", title=_named(config["groupBy"]), axis=alt.Axis(labelAngle=0))
    return chart_of(bars).mark_bar(color=ramp(3)[1]).encode(x=group, y=alt.Y("value:Q", axis=AXIS, title=None))


def _coordinates(config: Mapping[str, Any], numbers: Numbers) -> Chart | None:
    """Each run as a line over axes that stand side by side."""
    columns = config["columns"]
    names = [column["displayName"] for column in columns]
    axes = {column["displayName"]: column["accessor"] for column in columns}
    rows = _numbers(numbers.runs, axes, [column["displayName"] for column in columns if column.get("log")])
    if rows is None:
        return None
    logs = {column["displayName"] for column in columns if column.get("log")}
    places = rows.select(
        pl.int_range(pl.len()).alias("run"), *(_place(rows.schema[name], name, name in logs) for name in names)
    )
    long = places.unpivot(index="run", variable_name="axis", value_name="place")
    long = long.join(places.select("run", pl.col(names[-1]).alias("end")), on="run")
    colour = alt.Color(
        "end:Q", scale=alt.Scale(range=[stop["color"] for stop in config["customGradient"]]), legend=None
    )
    axis = alt.Axis(labelAngle=0, labelFontSize=9)
    line = chart_of(long).mark_line(strokeWidth=0.8, opacity=0.5)
    return line.encode(
        x=alt.X("axis:N", sort=names, title=None, axis=axis), y=alt.Y("place:Q", axis=None), color=colour, detail="run"
    )


def _place(dtype: pl.DataType, name: str, log: bool) -> pl.Expr:
    """Where a value stands on its axis, from 0 to 1."""
    value = pl.col(name)
    if not dtype.is_numeric():
        value = value.rank("dense")
    value = value.log() if log else value.cast(pl.Float64)
    return ((value - value.min()) / (value.max() - value.min())).fill_nan(0.5).alias(name)


def _number(config: Mapping[str, Any], numbers: Numbers) -> Chart | None:
    """One number, large."""
    value = numbers.sweep.get(config["metrics"][0])
    return None if value is None else _words([_spelled(value)], size=30, colour=INK)


def _text(config: Mapping[str, Any], _: Numbers) -> Chart:
    """The first lines of a text in Markdown."""
    lines = [line for line in config["value"].splitlines() if line.strip() and "---" not in line]
    plain = [" ".join(line.strip("#| ").replace("\\", "").split()) for line in lines]
    cut = [line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1]}…" for line in plain]
    return _words(cut[:MOST_LINES], size=9, colour=INK, left=True)


DRAWN: dict[str, Callable[[Mapping[str, Any], Numbers], Chart | None]] = {
    "Run History Line Plot": _lines,
    "Scatter Plot": _scatter,
    "Bar Chart": _bars,
    "Parallel Coordinates Plot": _coordinates,
    "Scalar Chart": _number,
    "Markdown Panel": _text,
}


# What they share.


def _numbers(runs: pl.DataFrame, axes: Mapping[str, str], positive: Sequence[str]) -> pl.DataFrame | None:
    """Some columns of the runs that have all of them, as finite numbers where they are any."""
    if not set(axes.values()) <= set(runs.columns):
        return None
    rows = runs.select(pl.col(accessor).alias(name) for name, accessor in axes.items()).drop_nulls()
    finite = [pl.col(name).is_finite() for name, dtype in rows.schema.items() if dtype.is_float()]
    rows = rows.filter(pl.lit(True), *finite, *(pl.col(name) > 0 for name in positive))
    return None if rows.is_empty() else rows


def _rounded(runs: pl.DataFrame, accessor: str) -> pl.Expr:
    """A column by which runs are grouped, short enough for a legend; null where the runs do not have it."""
    if accessor not in runs.columns:
        return pl.lit(None)
    column = pl.col(accessor)
    return column.round_sig_figs(3) if runs.schema[accessor].is_float() else column


def _scale(log: bool | None) -> alt.Scale:
    return alt.Scale(type="log" if log else "linear", zero=False)


def _groups(groups: pl.Series, name: str) -> alt.Color:
    values = sorted(groups.drop_nulls().unique())
    scale = alt.Scale(domain=values, range=ramp(len(values)))
    legend = alt.Legend(
        title=_named(name),
        orient="right",
        titleOrient="top",
        symbolType="stroke",
        columns=1,
        labelLimit=WIDEST_LABEL,
        labelFontSize=8,
        titleLimit=WIDEST_LABEL,
    )
    return alt.Color("group:O", scale=scale, legend=legend if len(values) <= MOST_GROUPS else None)


def _named(accessor: str) -> str:
    """A column in words: ``config:learning_rate.value`` is a learning rate."""
    return accessor.rpartition(":")[2].removesuffix(".value").replace("_", " ")


def _spelled(value: Any) -> str:
    return shown(value) if not isinstance(value, float) or math.isfinite(value) else str(value)


def _words(lines: Sequence[str], size: int = 11, colour: str = MUTED, *, left: bool = False) -> Chart:
    """Some lines of text on a quiet ground."""
    rows = pl.DataFrame({"line": range(len(lines)), "text": list(lines)}, schema={"line": pl.Int64, "text": pl.String})
    domain = [-0.5, max(len(lines), MOST_LINES) if left and len(lines) > 1 else len(lines) - 0.5]
    y = alt.Y("line:Q", axis=None, scale=alt.Scale(domain=domain, reverse=True, nice=False))
    text = chart_of(rows).mark_text(fontSize=size, color=colour, align="left" if left else "center", clip=True)
    ground = alt.Chart(alt.Data(values=[{}])).mark_rect(color=EMPTY, opacity=0.35)
    return alt.layer(ground, text.encode(x=alt.value(6 if left else WIDTH / 2), y=y, text="text:N"))
