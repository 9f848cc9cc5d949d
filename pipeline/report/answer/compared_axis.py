"""The comparison that answers the question of a run: what is compared, by which number, and where."""

from __future__ import annotations

import typing
from dataclasses import dataclass

import polars as pl

from pipeline.experiment.answers import Axis
from pipeline.report.answer.best import ranked
from pipeline.report.tables.cells import objective_of, problem_labels
from pipeline.report.tables.results import criterion
from pipeline.report.tables.run_tables import RunTables, panel_problem

COLUMNS: dict[Axis, str] = {axis: axis for axis in typing.get_args(Axis)} | {
    "learning_rate": "rate_axis",
    "problem": "panel_problem",
}
"""The column of ``RunTables.named`` that holds the values of each axis; that of losses is added here."""
IN_WORDS = {
    "batch_size": "batch {}",
    "steps": "training for {} steps",
    "width": "width {}",
    "rate_axis": "a rate of {}",
}
"""What the values of an axis are called that are numbers."""
SETTING = ["name", "width", "rate_axis"]
"""Columns that tell the settings on a problem apart, beside the loss."""


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Args:
        axis: Whose values; ``None`` where nothing varies but the seed.
        by: The diagnostic.
        by_best: Whether that is the criterion, by which the best setting is found.
        at_largest_width: Whether only the greatest width counts.
    """

    axis: Axis | None
    by: str
    by_best: bool
    at_largest_width: bool


def comparison_of(tables: RunTables) -> Comparison:
    """The comparison that an experiment asks for, or that follows from its axes.

    Args:
        tables: Of the run.

    Returns:
        By default that of the first axis that varies, by the criterion, where each value does best.
    """
    asked, judged_by = tables.plan.experiment.answers, criterion(tables.results)
    varied = (axis for axis, column in COLUMNS.items() if _values(tables, column) > 1)
    by = asked.by or judged_by
    return Comparison(asked.compare or next(varied, None), by, by == judged_by, asked.at == "largest_width")


def _values(tables: RunTables, column: str) -> int:
    if column == "loss":
        experiment = tables.plan.experiment
        return max(len(experiment.losses(problem)) for problem in experiment.problems())
    return tables.named[column].n_unique() if column in tables.named.columns else 1


def compared_trials(tables: RunTables, comparison: Comparison) -> pl.DataFrame:
    """The trials that are compared, with ``group``, the problem in words, and ``level``, the value of the axis.

    Args:
        tables: Of the run.
        comparison: What is compared.

    Returns:
        Rows of ``RunTables.best``, or of ``RunTables.named`` where learning rates are compared, which solvers have none
        of.
    """
    with_rate = tables.named.filter(pl.col("rate_axis").is_not_null())
    trials = with_rate if comparison.axis == "learning_rate" else tables.best
    if comparison.at_largest_width:
        trials = trials.filter(pl.col("width") == pl.col("width").max().over("panel_problem", "name"))
    words = pl.col("panel_problem").cast(pl.String)
    if comparison.axis == "loss":
        losses = _losses(tables)
        by_label = pl.col("problem").replace_strict({label: loss for label, (_, loss) in losses.items()})
        without = pl.col("problem").replace_strict({label: problem for label, (problem, _) in losses.items()})
        trials = trials.with_columns(loss=by_label, problem=without)
        trials = trials.with_columns(panel_problem(trials).alias("group"))
    elif comparison.axis == "problem":
        trials = trials.with_columns(group=pl.lit(""))
    else:
        trials = trials.with_columns(group=words)
    column = COLUMNS[comparison.axis] if comparison.axis else "name"
    said = "{} times the limit" if column == "rate_axis" and tables.relative_rates else IN_WORDS.get(column)
    return trials.with_columns(level=pl.format(said, column) if said else pl.col(column))


def _losses(tables: RunTables) -> dict[str, tuple[str, str]]:
    """The problem and the loss of each label of an objective."""
    labels = problem_labels(tables.plan)
    return {
        labels[objective_of(pack.shape)]: (pack.shape.problem.label(), pack.shape.loss.label())
        for pack in tables.plan.packs
    }


def ranked_levels(trials: pl.DataFrame) -> pl.DataFrame:
    """The values of the axis on each problem, each at its best setting, ranked.

    Args:
        trials: As ``compared_trials`` returns them.

    Returns:
        What ``ranked`` returns within ``group``, among ``level`` and ``SETTING``.
    """
    columns = ["level", *(name for name in SETTING if name in trials.columns)]
    chosen = ranked(trials, ["group", "level"], [name for name in columns if name != "level"]).filter("best")
    keys = ["group", *columns]
    return ranked(trials.join(chosen.select(keys), on=keys, how="semi", nulls_equal=True), ["group"], columns)
