"""Contents of the folder of a run at one moment, and what follows from them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipeline.plans import Plan, read_plan
from pipeline.records.store import naming_damage, read_fitted_samples, read_outcomes, scan_records
from pipeline.report.answer.best import with_standings
from pipeline.report.tables.axis_columns import with_axis_columns
from pipeline.report.tables.damaged_files import NO_DAMAGE, Damage, despite_damage
from pipeline.report.tables.network_ratios import with_network_ratios
from pipeline.report.tables.records_table import records_table
from pipeline.report.tables.results import read_results
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.tables.table_query import TableQuery
from pipeline.report.theory.own_code import unless_own_code_fails

if TYPE_CHECKING:
    from pipeline.api.run_figures import RunFigures
    from pipeline.report.answer.answer import Answer


@dataclass(frozen=True)
class RunContents:
    """What the folder of a run says at one moment; what follows from it is computed once, when it is asked for.

    Args:
        folder: Of the run.
        plan: Its experiment and trials.
        outcomes: How its trials ended.
        tables: What answers, figures and tables are made from.
    """

    folder: Path
    plan: Plan
    outcomes: pl.DataFrame
    tables: RunTables

    @functools.cached_property
    def results(self) -> pl.DataFrame:
        """One row for each trial, its axes as columns."""
        return with_axis_columns(self.plan, with_standings(self.tables.results))

    @functools.cached_property
    def answer(self) -> Answer:
        """What the run answers."""
        from pipeline.report.answer.answer import NO_ANSWER, answer_of

        with naming_damage(self.folder):
            return unless_own_code_fails("answer", lambda: answer_of(self.tables, self.outcomes), NO_ANSWER)

    @functools.cached_property
    def figures(self) -> RunFigures:
        """Its figures by name."""
        from pipeline.api.run_figures import RunFigures  # Altair takes half a second, which results can do without

        return RunFigures(self.folder, self.tables)


def read_contents(folder: Path, plan: Plan | None = None, known: Damage = NO_DAMAGE) -> RunContents:
    """Read the folder of a run without what is damaged; the records stay on disk until they are asked for.

    Args:
        folder: Of the run, finished or not.
        plan: As it was written there; none: it is read, which takes seconds for a million trials.
        known: What is known to be damaged.

    Returns:
        The contents.

    Raises:
        PipelineError: If the folder holds no plan.
    """
    whole = plan or read_plan(folder)

    def read(damage: Damage) -> RunContents:
        damage = damage if damage.files else known
        outcomes = read_outcomes(folder, damage.packs)
        return contents_of(folder, whole, outcomes, read_results(folder, whole, outcomes, damage), damage)

    return despite_damage(folder, read)


def contents_of(
    folder: Path, plan: Plan, outcomes: pl.DataFrame, results: pl.DataFrame, damage: Damage = NO_DAMAGE
) -> RunContents:
    """The same of a run whose results were read already.

    Args:
        folder: Of the run.
        plan: Its experiment and trials.
        outcomes: How its trials ended.
        results: One row for each trial.
        damage: What cannot be read.

    Returns:
        The contents.
    """
    measured = unless_own_code_fails("best networks", lambda: with_network_ratios(plan, results, folder), results)
    tables = RunTables(
        plan, measured, scan_records(folder, damage.packs), read_fitted_samples(folder, damage.undrawn), folder, damage
    )
    return RunContents(folder, plan, outcomes, tables)


def records_of(
    folder: Path,
    planned: Callable[[], set[str]],
    diagnostics: Sequence[str],
    query: TableQuery,
    results: Callable[[], pl.DataFrame] | None = None,
) -> tuple[pl.DataFrame, Damage]:
    """The records of a run that a query lets through, without what is damaged.

    Args:
        folder: Of the run.
        planned: Gives the names of what it records; called only if diagnostics are named.
        diagnostics: Names of those wanted; none for all.
        query: Condition, columns, order and number of rows.
        results: Makes one row for each trial; none: they are read when they are asked for.

    Returns:
        The table of ``records_table``, and what cannot be read.

    Raises:
        PipelineError: If nothing is recorded by such a name, or the query means nothing.
    """

    def read(damage: Damage) -> tuple[pl.DataFrame, Damage]:
        records = scan_records(folder, damage.packs)
        with naming_damage(folder):
            of_trials = results or (lambda: read_contents(folder, known=damage).results)
            return records_table(planned, records, of_trials, diagnostics, query), damage

    return despite_damage(folder, read)


def files_of(folder: Path) -> frozenset[tuple[str, int, int]]:
    """The files that training has written into a run so far; other ones where anything was written since.

    A file is never changed: it is written aside and takes its name, so that a new one has another inode or time.

    Args:
        folder: Of the run.

    Returns:
        Name, inode and time of each.
    """
    entries = (entry for part in ("records", "outcomes", "fits", "frames") for entry in _scan(folder / part))
    return frozenset((entry.path, entry.inode(), entry.stat().st_mtime_ns) for entry in entries)


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return [entry for entry in found if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
