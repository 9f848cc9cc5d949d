"""The figures of the report as custom charts of W&B: a specification with blanks, and one table that fills them.

W&B writes the columns of a table into the blanks ``${field:...}`` of a Vega-Lite specification, and gives it that one
table. So the data sets of a figure become one table, whose columns ``panel`` and ``layer`` say what a row is drawn
by. It turns what is null in a specification into an empty object: nothing in it may be null.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.figures.figure import Figure

Spec = dict[str, Any]
Layer = tuple[str, str]
"""The plot and the layer that draw a row."""

MOST_ROWS = 10_000
"""Rows that W&B shows of a table."""
PANEL, LAYER = "panel", "layer"
RENAMED_COLUMNS = {"name": "model"}
"""Columns that are renamed in the table, because W&B adds the name of a run to each row."""
NULL_REPLACEMENTS = {"title": "", "legend": False, "stroke": "transparent"}
"""Values with the meaning of null."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
AXES, LEGENDS = (90, 75), 110
"""Pixels that axes and titles add to the width and height of a plot, and legends to the height of a figure, at most."""


@dataclass(frozen=True)
class CustomChart:
    """A figure of the report as W&B draws it.

    Args:
        figure: Which.
        spec: The specification, in Vega-Lite, with a blank for each column.
        columns: Names of the columns of its table.
        rows: The rows of that.
        size: Width and height in pixels; W&B fits a single plot to its panel, but not several.
    """

    figure: Figure
    spec: Spec
    columns: list[str]
    rows: list[list[Any]]
    size: tuple[int, int]

    @property
    def table(self) -> str:
        """The name of its table in the summary of the sweep."""
        return f"chart_{self.figure.name}"

    @functools.cached_property
    def preset(self) -> str:
        """The name of its specification on W&B, where one that is there cannot change: another has another name."""
        content = json.dumps(self.spec, sort_keys=True)
        return f"{self.figure.name.replace('_', '-')}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    @property
    def fields(self) -> dict[str, str]:
        """The column that goes into each blank."""
        return {column: column for column in self.columns}


def custom_charts(run: Path) -> list[CustomChart]:
    """The figures of a run's report that W&B can draw, in order.

    Returns:
        One for each figure with a file, but those with too many rows.

    Raises:
        PipelineError: If a file is damaged.
    """
    charts = []
    for figure in FIGURES:
        path = run / "figures" / f"{figure.name}.json"
        if path.exists():
            charts.append(custom_chart(figure, _read(path)))
    return [chart for chart in charts if chart is not None]


def _read(path: Path) -> Spec:
    try:
        spec: Spec = json.loads(path.read_bytes())
    except ValueError:
        hint = "python -m pipeline report writes it again"
        raise PipelineError("not a figure in Vega-Lite", where=str(path), hint=hint) from None
    return spec


def custom_chart(figure: Figure, spec: Spec) -> CustomChart | None:
    """A figure as a custom chart, without its last plots if its table would be too long; ``None`` if one is.

    Args:
        figure: Which.
        spec: As Altair writes it: data sets by name at the top, a plot or several in ``concat``.

    Returns:
        The chart; ``None`` if the table of its first plot alone is too long.
    """
    whole = {key: value for key, value in spec.items() if key != "datasets"}
    plots = whole.get("concat", [whole])
    layers = _layers(plots)
    tables = [[row for name in layers[place] for row in spec["datasets"][name]] for place in range(len(plots))]
    shown = sum(length <= MOST_ROWS for length in itertools.accumulate(len(table) for table in tables))
    if not shown:
        return None
    blanks = {column: f"${{field:{column}}}" for column in _columns(tables[:shown])}
    names = {name: layer for place in layers[:shown] for name, layer in place.items()}
    rows = [
        {PANEL: panel, LAYER: layer, **{_column(key): value for key, value in row.items()}}
        for name, (panel, layer) in names.items()
        for row in spec["datasets"][name]
    ]
    if shown < len(plots):
        whole |= {"concat": plots[:shown], "title": f"The first {shown} of {len(plots)} panels"}
    only = {name: _layer_filter(layer, blanks) for name, layer in names.items()}
    filled = {**_with_blanks(whole, only, blanks), "$schema": SCHEMA, "data": {"name": "wandb"}}
    cells = [[row.get(column) for column in blanks] for row in rows]
    return CustomChart(figure, filled, list(blanks), cells, _size(plots[:shown], whole.get("columns", 1)))


# The table.


def _layers(plots: Sequence[Spec]) -> list[dict[str, Layer]]:
    """For each plot the data sets that none before it draws, by name, and what they are called.

    They are called by what they are drawn as, so that a table from before fits a figure that is made now.

    Returns:
        For each plot the layer of each data set.
    """
    layers: list[dict[str, Layer]] = []
    for plot in plots:
        found: dict[str, Layer] = {}
        for view in _views(plot):
            name = view.get("data", {}).get("name")
            if name and not any(name in known for known in (*layers, found)):
                drawn = next(_vertical_fields(view), "points")
                number = sum(called.split()[0] == drawn for _, called in found.values())
                found[name] = _title(plot), f"{drawn} {number + 1}" if number else drawn
        layers.append(found)
    return layers


def _views(view: Spec) -> Iterator[Spec]:
    yield view
    for layer in view.get("layer", []):
        yield from _views(layer)


def _vertical_fields(view: Spec) -> Iterator[str]:
    """The columns that the layers of a view have on their vertical axis."""
    for inner in _views(view):
        name = inner.get("encoding", {}).get("y", {}).get("field")
        if name:
            yield name


def _title(plot: Spec) -> str:
    title = plot.get("title", "")
    text = title["text"] if isinstance(title, dict) else title
    return text if isinstance(text, str) else ": ".join(text)


def _columns(tables: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    names = dict.fromkeys(_column(name) for table in tables for row in table for name in row)
    return [PANEL, LAYER, *names]


def _column(name: str) -> str:
    return RENAMED_COLUMNS.get(name, name)


# The specification.


def _layer_filter(layer: Layer, blanks: Mapping[str, str]) -> Spec:
    """The transformation that leaves the rows of a layer."""
    both = zip((PANEL, LAYER), layer, strict=True)
    return {"filter": {"and": [{"field": blanks[column], "equal": value} for column, value in both]}}


def _with_blanks(spec: Spec, only: Mapping[str, Spec], blanks: Mapping[str, str]) -> Spec:
    """A specification with blanks for columns, and a filter where a data set was named."""
    filled: Spec = {}
    for key, value in spec.items():
        if value is None:
            filled[key] = NULL_REPLACEMENTS[key]
        elif key == "field":
            filled[key] = blanks.get(_column(value), value)
        elif key in ("filter", "calculate"):
            filled[key] = re.sub(r"\bdatum\.(\w+)", lambda name: _datum(name[1], blanks), value)
        elif key != "data":
            filled[key] = _each(value, only, blanks)
    if "data" in spec:
        filled["transform"] = [only[spec["data"]["name"]], *filled.get("transform", [])]
    return filled


def _each(value: Any, only: Mapping[str, Spec], blanks: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return _with_blanks(value, only, blanks)
    return [_each(item, only, blanks) for item in value] if isinstance(value, list) else value


def _datum(name: str, blanks: Mapping[str, str]) -> str:
    """How an expression reads a column; what is calculated keeps its name."""
    blank = blanks.get(_column(name))
    return f"datum.{name}" if blank is None else f"datum['{blank}']"


def _size(plots: Sequence[Spec], columns: int) -> tuple[int, int]:
    across = min(columns, len(plots))
    down = math.ceil(len(plots) / across)
    width = across * (max(plot["width"] for plot in plots) + AXES[0])
    return width, down * (max(plot["height"] for plot in plots) + AXES[1]) + LEGENDS
