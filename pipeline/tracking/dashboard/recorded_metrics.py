"""The metrics that the runs of a sweep have: a panel is made only where it has numbers to show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from pipeline.records.store import scan_records
from pipeline.report.theory.predicted_losses import predicted_curves
from pipeline.tracking.export.trial_runs import RecordedRun


@dataclass(frozen=True)
class MetricCoverage:
    """Coverage of one diagnostic over some trials.

    Args:
        steps: Number of steps with a finite value.
        positive: Whether a value is above zero, so that a logarithmic axis shows one.
    """

    steps: int
    positive: bool


@dataclass(frozen=True)
class RecordedMetrics:
    """The metrics of some trials.

    Args:
        results: Their rows of the table of results.
        diagnostics: Coverage of those with a finite value, by name.
        predicted: Whether theory predicts the loss of one of them.
    """

    results: pl.DataFrame
    diagnostics: dict[str, MetricCoverage]
    predicted: bool

    def has(self, column: str) -> bool:
        """Whether the table of results says anything in a column."""
        return column in self.results.columns and self.results[column].count() > 0


def recorded_metrics(source: RecordedRun, trials: Collection[str]) -> RecordedMetrics:
    """The metrics of some trials of a sweep.

    Args:
        source: The recorded run.
        trials: Their ids.

    Returns:
        The metrics.
    """
    value, ids = pl.col("value"), pl.Series("trial", list(trials), dtype=pl.String)
    finite = scan_records(source.folder).filter(pl.col("trial").is_in(ids.implode()), value.is_finite())
    by_name = finite.group_by("diagnostic").agg(
        pl.col("step").n_unique().alias("steps"), (value > 0).any().alias("positive")
    )
    shown = {name: MetricCoverage(steps, positive) for name, steps, positive in by_name.collect().iter_rows()}
    results = source.results.filter(pl.col("trial").is_in(ids.implode()))
    return RecordedMetrics(results, shown, "loss" in shown and _is_predicted(source, set(trials)))


def _is_predicted(source: RecordedRun, trials: set[str]) -> bool:
    """Whether theory says what the loss of a trial is at a step."""
    rates = {
        trial: source.outcome_by_trial[trial]["learning_rate"] for trial in trials if trial in source.outcome_by_trial
    }
    for pack in source.plan.packs:
        one = next((trial.id for trial in pack.trials if trial.id in rates), "")
        if one and predicted_curves(pack.shape, {one: rates[one]}, [0]):
            return True
    return False
