"""A figure of a page: how it is named and described, how it is drawn, and what was drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.records.atomic_writes import replacing
from pipeline.report.figures.charts import KEY_OF_LEGEND, Drawn
from pipeline.report.figures.png_process import png_of
from pipeline.report.tables.run_tables import RunTables


@dataclass(frozen=True)
class Caption:
    """The file name of a figure, its title, and a caption for the reader."""

    name: str
    title: str
    caption: str

    def caption_of(self, chart: dict[str, Any]) -> str:
        """The caption of a chart in Vega-Lite, which may say what is drawn there."""
        return self.caption


@dataclass(frozen=True)
class Figure(Caption):
    """One figure of a run, and how it is drawn.

    Args:
        draw: Returns ``None`` where the run has nothing to show in it.
        remarks: Sentences that follow the caption where the chart has a mark that they explain, by that mark as
            ``drawn_in`` calls it.
    """

    draw: Callable[[RunTables], Drawn | None]
    remarks: Mapping[str, str] = field(default_factory=dict)

    def caption_of(self, chart: dict[str, Any]) -> str:
        """The caption, and the remarks on what is drawn in a chart."""
        marks = drawn_in(chart)
        return " ".join(filter(None, [self.caption, *(said for mark, said in self.remarks.items() if mark in marks)]))


def drawn_in(chart: dict[str, Any]) -> set[str]:
    """What a chart in Vega-Lite draws.

    Args:
        chart: One plot, or several in ``concat``.

    Returns:
        Each mark with each field along its axes, as ``area low``, and each entry of a legend that is one of layers.
    """
    layers = [layer for plot in chart.get("concat", [chart]) for layer in plot.get("layer", [plot])]
    marks = {
        f"{layer['mark']['type']} {layer['encoding'][axis].get('field')}"
        for layer in layers
        for axis in ("x", "y")
        if axis in layer.get("encoding", {})
    }
    steps = [step for layer in layers for step in layer.get("transform", [])]
    return marks | {step["calculate"].strip("'") for step in steps if step.get("as") == KEY_OF_LEGEND}


@dataclass(frozen=True)
class FigureSpec:
    """A figure and its chart as Vega-Lite, which Vega-Lite calls a specification."""

    figure: Caption
    chart: dict[str, Any]

    @property
    def caption(self) -> str:
        """What is said below the chart."""
        return self.figure.caption_of(self.chart)

    def write_png(self, folder: Path) -> None:
        """Write ``<name>.png`` into a folder, at twice the size for sharp print."""
        with replacing(folder / f"{self.figure.name}.png") as part:
            part.write_bytes(png_of(self.chart))

    def write_json(self, folder: Path) -> None:
        """Write ``<name>.json`` into a folder."""
        with replacing(folder / f"{self.figure.name}.json") as part:
            part.write_text(json.dumps(self.chart, allow_nan=False), encoding="utf-8")
