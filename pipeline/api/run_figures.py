"""Figures of a run as a mapping from names to Altair charts, each drawn when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import PipelineError, nearest
from pipeline.records.store import naming_damage
from pipeline.report.figures.catalogue import FIGURES
from pipeline.report.figures.charts import Chart, Panels
from pipeline.report.tables.run_tables import RunTables

BY_NAME = {figure.name: figure for figure in FIGURES}


class RunFigures(Mapping[str, Chart]):
    """The figures that a run has something to show in, by name; going through all of them draws all.

    Args:
        folder: Of the run.
        tables: What they are drawn from.
    """

    def __init__(self, folder: Path, tables: RunTables) -> None:
        self._folder, self._tables = folder, tables
        self._drawn: dict[str, Chart | None] = {}

    def __getitem__(self, name: str) -> Chart:
        """The chart of a name.

        Args:
            name: Of the figure.

        Returns:
            A chart of Altair.

        Raises:
            PipelineError: If no figure has that name, or the run has nothing to show in it.
        """
        if name not in BY_NAME:
            raise PipelineError(f"there is no figure {name!r}", hint=nearest(name, BY_NAME))
        chart = self._draw(name)
        if chart is None:
            hint = f"it has {', '.join(self)}"
            raise PipelineError(f"this run has nothing to show in {name!r}", where=str(self._folder), hint=hint)
        return chart

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in BY_NAME and self._draw(name) is not None

    def __iter__(self) -> Iterator[str]:
        return (name for name in BY_NAME if self._draw(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<figures: {', '.join(self)}>"

    def _draw(self, name: str) -> Chart | None:
        if name not in self._drawn:
            with naming_damage(self._folder):
                drawn = BY_NAME[name].draw(self._tables)
            self._drawn[name] = drawn.chart() if isinstance(drawn, Panels) else drawn
        return self._drawn[name]
