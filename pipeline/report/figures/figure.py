"""A figure of a page: how it is named and described, how it is drawn, and what was drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.records.atomic_writes import replacing
from pipeline.report.figures.charts import Drawn
from pipeline.report.figures.png_process import png_of
from pipeline.report.tables.run_tables import RunTables


@dataclass(frozen=True)
class Caption:
    """The file name of a figure, its title, and a caption for the reader."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class Figure(Caption):
    """One figure of a run, and how it is drawn.

    ``draw`` returns ``None`` where the run has nothing to show in it.
    """

    draw: Callable[[RunTables], Drawn | None]


@dataclass(frozen=True)
class FigureSpec:
    """A figure and its chart as Vega-Lite, which Vega-Lite calls a specification."""

    figure: Caption
    chart: dict[str, Any]

    def write_png(self, folder: Path) -> None:
        """Write ``<name>.png`` into a folder, at twice the size for sharp print."""
        with replacing(folder / f"{self.figure.name}.png") as part:
            part.write_bytes(png_of(self.chart))

    def write_json(self, folder: Path) -> None:
        """Write ``<name>.json`` into a folder."""
        with replacing(folder / f"{self.figure.name}.json") as part:
            part.write_text(json.dumps(self.chart, allow_nan=False), encoding="utf-8")
