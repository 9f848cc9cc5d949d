"""A run as an object: its answer, results, records, verdicts and figures."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from pipeline.api.run_contents import RunContents, files_of, read_contents, records_of
from pipeline.api.run_folders import run_folder
from pipeline.api.spoken import say
from pipeline.errors import PipelineError, number_of
from pipeline.plans import Plan, read_diagnostics, read_plan
from pipeline.report.tables.axis_columns import LABEL
from pipeline.report.tables.cells import PROBLEM
from pipeline.report.tables.table_query import TableQuery
from pipeline.report.theory.own_code import in_sentences, parts_left_out

if TYPE_CHECKING:
    from pipeline.api.run_figures import RunFigures
    from pipeline.launch.state.status import Status
    from pipeline.report.answer.answer import Answer


Names: TypeAlias = str | Sequence[str]
"""Names of columns, in one text or a list."""


class Run:
    """A run, finished or not: what its folder says now. In a notebook it shows its answer and the figure of that.

    Nothing is read before it is asked for, and what was read is kept until training writes more. Where a file of its
    records, outcomes or fits cannot be read, the rest is there, and a warning says what is not.

    Args:
        folder: Of the run, with ``plan.json`` in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._read: tuple[object, RunContents] | None = None

    @functools.cached_property
    def plan(self) -> Plan:
        """Its experiment, trials and packs, as they were written down before anything was trained."""
        return read_plan(self.folder)

    @functools.cached_property
    def _diagnostics(self) -> set[str]:
        return read_diagnostics(self.folder)

    def results(self, *, where: str = "", select: Names = "", sort: Names = "", top: int | None = None) -> pl.DataFrame:
        """One row for each trial, those that have not ended included.

        Args:
            where: A condition in SQL, such as ``"model = 'shallow' and width >= 16"``; empty: every row.
            select: Names of columns with commas in between, or a list of them; empty: all of them.
            sort: The same, each with ``desc`` behind it for the largest first; empty: the order of the plan.
            top: How many rows at most; none: all.

        Returns:
            The axes (``model``, its parts such as ``activation`` and ``basis``, ``width``, ``learning_rate``, ``seed``,
            ...); ``status`` (``unreadable`` where a file of its pack is damaged), ``step`` and ``standing``;
            ``verdict`` and ``grounds``; and the last value of every diagnostic in float64, where infinite and NaN are
            values and null is *not recorded*. Of a trial that diverged it is the last before that, which may be small:
            filter by ``status``.

        Raises:
            PipelineError: If the condition or a name means nothing, or the plan cannot be read.
        """
        return TableQuery(where, select, sort, top).of(self._contents().results)

    def records(
        self, *diagnostics: str, where: str = "", select: Names = "", sort: Names = "", top: int | None = None
    ) -> pl.DataFrame:
        """The numbers that were recorded on the way, one a row.

        Args:
            diagnostics: Names such as ``"loss"``; none for all.
            where: A condition in SQL, on columns of the results too: ``"standing = 'best' and step > 0"``.
            select: Names of columns, of the results too; empty: those below.
            sort: Names of columns to sort by; empty: the order in which they are stored, pack by pack.
            top: How many rows at most; none: all.

        Returns:
            Columns ``trial``, ``step`` (updates done), ``diagnostic`` unless one was named, and ``value`` in float64.

        Raises:
            PipelineError: If nothing is recorded by such a name, the query means nothing, or the plan cannot be read.
        """
        query = TableQuery(where, select, sort, top)
        found, damage = records_of(
            self.folder, lambda: self._diagnostics, diagnostics, query, lambda: self._contents().results
        )
        if damage.files:
            warnings.warn(" ".join(damage.in_sentences()), stacklevel=2)
        return found

    @property
    def answer(self) -> Answer:
        """What the run answers: ``print(run.answer)`` gives its sentences, ``run.answer.verdict`` what theory says."""
        return self._contents().answer

    def verdicts(self) -> pl.DataFrame:
        """What theory says of the trials: how many agree with it, contradict it, or allow no verdict, and why.

        Returns:
            One row for each problem, model and verdict: their columns, the number of ``trials``, and the ``grounds`` of
            the first of these.

        Raises:
            PipelineError: If the plan cannot be read.
        """
        results = self._contents().results
        curve = [*PROBLEM, LABEL, *self.plan.experiment.varied()]
        grouped = results.group_by([*curve, "verdict"], maintain_order=True)
        return grouped.agg(pl.len().cast(pl.Int64).alias("trials"), pl.col("grounds").first())

    @property
    def figures(self) -> RunFigures:
        """Its figures by name as Altair charts, each drawn when it is asked for: ``run.figures["loss_by_step"]``."""
        return self._contents().figures

    def report(self) -> Path:
        """Write its page, ``report.html``, and the figures beside it.

        Returns:
            Path of the page.

        Raises:
            PipelineError: If the plan cannot be read.
        """
        from pipeline.report.html.run_page import write_report_of

        contents = self._contents()
        return write_report_of(self.folder, contents.tables, contents.outcomes, contents.answer)

    def status(self) -> Status:
        """How it stands on its cluster; one question to the scheduler, no waiting.

        Returns:
            ``trials`` by state (done, diverged, running, pending, ...), ``arrays`` as a frame, ``incidents``, what went
            wrong, and ``seconds_left``.

        Raises:
            PipelineError: If the plan or an outcome cannot be read.
        """
        from pipeline.launch.state.status import status

        return status(self.folder)

    def cancel(self, *jobs: str) -> list[str]:
        """End its jobs, or some of them; what they have recorded stays, and ``submit`` goes on from there.

        Args:
            jobs: Ids of jobs or array tasks, or names of arrays; none for all.

        Returns:
            Ids of the jobs that were still there.

        Raises:
            PipelineError: If there is no such job, or the scheduler cannot be asked.
        """
        from pipeline.launch.submit.cancel import cancel

        return cancel(self.folder, jobs, say)

    def _contents(self) -> RunContents:
        """What the folder says now."""
        files = files_of(self.folder)
        if self._read is None or self._read[0] != files:
            with parts_left_out() as left_out:
                self._read = files, read_contents(self.folder, self.plan)
            damage = self._read[1].tables.damage
            for sentence in (*([" ".join(damage.in_sentences())] if damage.files else []), *in_sentences(left_out)):
                warnings.warn(sentence, stacklevel=3)
        return self._read[1]

    def __repr__(self) -> str:
        return f"pipeline.open({os.path.relpath(self.folder)!r})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer and the figure that shows it."""
        from pipeline.report.html.run_card import run_card

        contents = self._contents()
        names = [name for name in contents.answer.figures if name in contents.figures] or contents.figures
        chart = next((contents.figures[name].to_dict(validate=False) for name in names), None)
        counts = contents.tables.results["status"].value_counts(sort=True).iter_rows()
        trials = f"{number_of(self.plan.num_trials, 'trial')}: {', '.join(f'{num} {word}' for word, num in counts)}"
        return run_card(self.plan.experiment.question, contents.answer, trials, self.folder, chart)


def open_run(folder: str | os.PathLike[str] | None = None) -> Run:
    """Open the folder of a run that was trained before, is in training, or was sent to a cluster.

    Args:
        folder: Of the run; none: the newest in ``runs/``.

    Returns:
        The run.

    Raises:
        PipelineError: If it is not the folder of a run.
    """
    found = run_folder(None if folder is None else Path(folder))
    path = found / "plan.json"
    if not path.exists():
        what = f"{str(found)!r} is not the folder of a run"
        raise PipelineError(what, where=str(path), hint="expected plan.json there")
    return Run(found)
