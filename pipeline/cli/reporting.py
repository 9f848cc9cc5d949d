"""The verbs that show a run: results and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.api.run_folders import run_and_names, run_folder
from pipeline.cli.prose import say
from pipeline.cli.table_output import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from pipeline.plans import Plan
    from pipeline.report.answer.answer import Answer
    from pipeline.report.tables.damaged_files import Damage

LONG_TEXTS = ("grounds", "reason", "limit", "label")
"""Columns of the results that are left out first where a terminal is narrow."""


@dataclass(frozen=True)
class ResultsOptions:
    """Options of results.

    Args:
        run: Folder of the run; none: the newest.
        where: A condition on the rows, in SQL; empty: all of them.
        select: The columns, with commas in between; empty: all of them.
        sort: Columns to sort by; empty: the order of the plan.
        top: How many rows at most; none: all.
        format: How they are written, one of ``FORMATS``.
    """

    run: Path | None
    where: str = ""
    select: str = ""
    sort: str = ""
    top: int | None = None
    format: str = "table"


@dataclass(frozen=True)
class RecordsOptions:
    """Options of records.

    Args:
        what: Names of diagnostics, none for all; and the folder of the run.
        where: A condition on the rows, in SQL; empty: all of them.
        select: The columns, with commas in between; empty: those of a record.
        sort: Columns to sort by; empty: pack by pack, as they are stored.
        top: How many rows at most; none: all.
        format: How they are written, one of ``FORMATS``.
    """

    what: tuple[str, ...]
    where: str = ""
    select: str = ""
    sort: str = ""
    top: int | None = None
    format: str = "table"


@dataclass(frozen=True)
class ReportOptions:
    """Options of report.

    Args:
        run: Folder of the run; none: the newest.
    """

    run: Path | None


def results(options: ResultsOptions) -> int:
    """Print one row per trial: its axes, its status, whether it is best, its last numbers; and what they answer."""
    from pipeline.api.run_contents import RunContents, read_contents
    from pipeline.report.tables.damaged_files import despite_damage
    from pipeline.report.tables.table_query import TableQuery
    from pipeline.report.theory.own_code import in_sentences, parts_left_out

    query, folder = TableQuery(options.where, options.select, options.sort, options.top), run_folder(options.run)

    def read(known: Damage) -> tuple[RunContents, pl.DataFrame, Sequence[str]]:
        contents = read_contents(folder, known=known)
        found = query.of(contents.results)
        return contents, found, contents.answer.sentences if options.format == "table" else ()

    with parts_left_out() as left_out:
        contents, found, answer = despite_damage(folder, read)
    print_table(found, options.format, ordered=bool(options.sort), chosen=bool(options.select), last=LONG_TEXTS)
    for sentence in (*answer, *in_sentences(left_out)):
        say(sentence)
    return say_damage(contents.tables.damage)


def records(options: RecordsOptions) -> int:
    """Print the numbers that were recorded on the way: one row per trial, step and diagnostic."""
    from pipeline.api.run_contents import records_of
    from pipeline.plans import read_diagnostics
    from pipeline.report.tables.table_query import TableQuery

    folder, diagnostics = run_and_names(options.what)
    query = TableQuery(options.where, options.select, options.sort, options.top)
    found, damage = records_of(folder, lambda: read_diagnostics(folder), diagnostics, query)
    print_table(found, options.format, ordered=bool(options.sort), chosen=bool(options.select))
    return say_damage(damage)


def say_damage(*damages: Damage) -> int:
    """Say what of some runs cannot be read.

    Args:
        damages: Of each run.

    Returns:
        The exit code: 1 if there is any.
    """
    sentences = [sentence for damage in damages for sentence in damage.in_sentences()]
    for sentence in sentences:
        say(sentence)
    return 1 if sentences else 0


def report(options: ReportOptions) -> int:
    """Write report.html of a run, finished or not, and print its summary."""
    return show(run_folder(options.run))[0]


def show(folder: Path, *, again: bool = True, planned: Plan | None = None) -> tuple[int, pl.DataFrame, Answer]:
    """Print the answer and the summary of a run and write its report, unless there is one and nothing has changed.

    Args:
        folder: Of the run.
        again: Whether anything has changed since the last report.
        planned: The plan as it was written there; none: it is read, which takes seconds for a million trials.

    Returns:
        The exit code, one row per trial, and the answer.
    """
    from pipeline.report.figures.png_process import MOST_AT_ONCE, get_ready

    page = folder / "report.html"
    outdated = again or not page.exists()
    if outdated:
        get_ready(MOST_AT_ONCE)  # on the core that is idle while this one imports what reports
    from pipeline.api.run_contents import RunContents, read_contents
    from pipeline.errors import number_of
    from pipeline.report.html.run_page import write_report_of
    from pipeline.report.tables.damaged_files import despite_damage
    from pipeline.report.tables.printing import as_text
    from pipeline.report.tables.summary import best_of_each_model
    from pipeline.report.theory.own_code import in_sentences, parts_left_out
    from pipeline.report.theory.stable_rates import not_measured

    def written(known: Damage) -> RunContents:
        contents = read_contents(folder, planned, known)
        if outdated or contents.tables.damage.files:
            write_report_of(folder, contents.tables, contents.outcomes, contents.answer)
        return contents

    with parts_left_out() as left_out:
        contents = despite_damage(folder, written)
        table, outcomes, answer = contents.tables.results, contents.outcomes, contents.answer
    say("\n".join(answer.sentences))
    damaged = say_damage(contents.tables.damage)
    print(as_text(best_of_each_model(table)))
    if answer.diverged:
        say(answer.diverged)
    if why := not_measured(outcomes):
        say(why)
    failed = table.filter(table["status"] == "failed")
    for reason, number in failed["reason"].value_counts().iter_rows():
        say(f"{number_of(number, 'trial')} failed: {reason}")
    if len(failed) and (folder / "logs").exists():
        say(f"tracebacks: {folder / 'logs'}")
    for sentence in in_sentences(left_out):
        say(sentence)
    say(f"report: {page}")
    return (1 if len(failed) else damaged), table, answer
