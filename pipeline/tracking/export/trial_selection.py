"""Which trials of a sweep have a run of their own on W&B."""

from __future__ import annotations

import polars as pl

from pipeline.experiment.wandb_tracking import ChosenRuns, Tracking
from pipeline.report.answer.best import scored
from pipeline.report.tables.cells import curve_of

MOST_RUNS = 200
"""With ``runs: auto`` a sweep of at most 200 trials goes to W&B whole."""


def selected_trials(tracking: Tracking, results: pl.DataFrame) -> list[str]:
    """The finished trials that have a run of their own.

    Args:
        tracking: Which are wanted.
        results: One row for each trial.

    Returns:
        Their ids, in the order of the plan.
    """
    finished = results.filter(pl.col("status").is_in(["done", "diverged", "failed"]))
    match tracking.runs:
        case "none":
            return []
        case "all":
            return finished["trial"].to_list()
        case "auto" if results.height <= MOST_RUNS:
            return finished["trial"].to_list()
        case "auto":
            return _few(ChosenRuns(), finished)
        case few:
            return _few(few, finished)


def _few(few: ChosenRuns, finished: pl.DataFrame) -> list[str]:
    """The best of each problem and model, some that diverged, some that failed, and some of all."""
    best = (
        scored(finished)
        .filter(pl.col("status") == "done", pl.col("score").is_finite())
        .sort("score", maintain_order=True)
        .group_by(curve_of(finished), maintain_order=True)
        .head(few.best)
    )
    by_hash = finished.select("trial", "status").sort("trial")  # an id is a hash, so this order is as good as drawn
    ended_badly = [
        by_hash.filter(pl.col("status") == word)["trial"].head(few.diverged) for word in ("diverged", "failed")
    ]
    wanted = {*best["trial"], *pl.concat(ended_badly), *by_hash["trial"].head(few.random)}
    return [trial for trial in finished["trial"] if trial in wanted]
