"""The verbs that show a run: results and report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.prose import print_json_rows, say
from pipeline.cli.run_folders import run_folder

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ResultsOptions:
    """Options of results.

    Args:
        run: Folder of the run; none: the newest.
        json: Whether the output is for a program.
    """

    run: Path | None
    json: bool


@dataclass(frozen=True)
class ReportOptions:
    """Options of report.

    Args:
        run: Folder of the run; none: the newest.
    """

    run: Path | None


def results(options: ResultsOptions) -> int:
    """Print one row per trial: its axes, its status, its last value of each diagnostic."""
    from pipeline.plan import read_plan
    from pipeline.records.store import read_outcomes
    from pipeline.report.tables.printing import as_text
    from pipeline.report.tables.results import read_results

    folder = run_folder(options.run)
    table = read_results(folder, read_plan(folder), read_outcomes(folder))
    if options.json:
        print_json_rows(table)
    else:
        print(as_text(table))
    return 0


def report(options: ReportOptions) -> int:
    """Write report.html of a run, finished or not, and print its summary."""
    return show(run_folder(options.run))[0]


def show(folder: Path, *, again: bool = True) -> tuple[int, pl.DataFrame]:
    """Print the summary of a run and write its report, unless there is one and nothing has changed.

    Returns:
        The exit code, and one row per trial.
    """
    from pipeline.plan import read_plan
    from pipeline.records.store import read_outcomes
    from pipeline.report.html.run_page import write_report_of
    from pipeline.report.tables.printing import as_text
    from pipeline.report.tables.results import read_results
    from pipeline.report.tables.summary import best_of_each_model
    from pipeline.report.theory.stable_rates import not_measured

    planned, outcomes = read_plan(folder), read_outcomes(folder)
    table = read_results(folder, planned, outcomes)
    print(as_text(best_of_each_model(table)))
    if why := not_measured(outcomes):
        say(why)
    failed = table.filter(table["status"] == "failed")
    for reason, number in failed["reason"].value_counts().iter_rows():
        say(f"{number} trials failed: {reason}")
    page = folder / "report.html"
    if again or not page.exists():
        page = write_report_of(folder, planned, outcomes, table)
    say(f"report: {page}")
    return (1 if len(failed) else 0), table
