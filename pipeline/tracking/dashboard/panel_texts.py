"""Panels of text: verdicts, predicted limits and failures in Markdown."""

from __future__ import annotations

import polars as pl

from pipeline.report.tables.cells import TRAINING, cell_of
from pipeline.report.tables.summary import best_of_each_model
from pipeline.tracking.dashboard.markdown import as_markdown
from pipeline.tracking.export.trial_runs import RecordedRun

LIMIT = "largest_stable_learning_rate"
MOST_FAILURES = 20
"""Failed trials that are named with their reason."""


def in_words(name: str) -> str:
    """A name with spaces."""
    return name.replace("_", " ")


def verdicts_text(source: RecordedRun) -> str:
    """The verdict on each problem and model, with numbers of trials."""
    table = best_of_each_model(source.results)
    training = [name for name in TRAINING if name in table.columns]
    columns = ["problem", "model", *training, "trials", "diverged", "verdict"]
    return f"### Learning rates against theory\n\n{as_markdown(table.select(columns))}"


def limits_text(source: RecordedRun) -> str:
    """The predicted limit of each problem, model and width: the least and the most over seeds."""
    title = "### Limits of the learning rate that theory predicts"
    if LIMIT not in source.results.columns or not source.results[LIMIT].fill_nan(None).count():
        return f"{title}\n\nNone is recorded."
    limit = pl.col(LIMIT)
    known = source.results.filter(limit.fill_nan(None).is_not_null())
    cells = known.group_by(*cell_of(known), "limit", maintain_order=True)
    bounds = cells.agg(limit.min().alias("least"), limit.max().alias("most"))
    axes = ("problem", "model", "width", "limit")
    return f"{title}\n\n{as_markdown(bounds.select(*axes, 'least', 'most').sort(axes))}"


def failures_text(source: RecordedRun) -> str:
    """The first failed trials, each with its reason."""
    failed = source.results.filter(pl.col("status") == "failed")
    first = failed.head(MOST_FAILURES).select(pl.col("trial").str.head(16), "model", "width", "seed", "reason")
    more = failed.height - first.height
    return f"### Failures\n\n{as_markdown(first)}" + (f"\n\nand {more} more" if more else "")
