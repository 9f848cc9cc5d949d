"""One row for every problem, model and width, at the learning rate that is best there."""

from __future__ import annotations

import math

import polars as pl

from pipeline.numerics.spectra import Trust, trust
from pipeline.optimizers.stability_limits import Limit
from pipeline.report.answer.best import at_best_rate, best_widths, scored
from pipeline.report.tables.cells import cell_of, curve_of
from pipeline.report.tables.results import DEPENDENT, criterion
from pipeline.report.theory.trial_verdicts import UNREADABLE
from pipeline.report.theory.verdicts import verdict_counts

STABLE = (Limit.EXACT, Limit.FALLS)
"""Limits below which no trial is unstable, wherever it starts."""
WITHOUT_ERROR = "share_without_error"
"""Fraction of the seeds that end without any error, such as networks that have solved a puzzle."""


def summary(results: pl.DataFrame) -> pl.DataFrame:
    """One row for every problem, model and width.

    Columns: the cell; numbers of trials, of those that cannot be read only where there are any; ``best_learning_rate``
    by the median over seeds of the criterion; that median (of all trials where every rate diverged), and the least
    value of any trial; the fraction of seeds that end without any error at that rate, where a seed does; the condition
    number and how far to trust it; the predicted limit of the learning rate, and what is known of rates below it; the
    verdict.

    Returns:
        A table in the order of the plan.
    """
    name, cell = criterion(results), cell_of(results)
    absent = [c for c in ("condition_number", "largest_stable_learning_rate") if c not in results.columns]
    table = results.with_columns(pl.lit(None, pl.Float64).alias(column) for column in absent)
    words = ("done", "diverged", "failed", "pending", *((UNREADABLE,) if UNREADABLE in results["status"] else ()))
    statuses = [(pl.col("status") == word).sum().alias(word) for word in words]
    cells = scored(table).group_by(cell, maintain_order=True)
    counts = cells.agg(
        pl.len().alias("trials"),
        *statuses,
        pl.col("score").min().alias(f"min_{name}"),
        pl.col("largest_stable_learning_rate").fill_nan(None).drop_nulls().first().alias("stable_learning_rate"),
        pl.col("limit").first(),
        verdict_counts(pl.col("verdict")).alias("verdict"),
    )
    best = (
        at_best_rate(table)
        .group_by(cell, maintain_order=True)
        .agg(
            pl.col("rate").first().alias("best_learning_rate"),
            pl.col("score").median().alias(f"median_{name}"),
            pl.col("score").eq(0).mean().alias(WITHOUT_ERROR),
            pl.col("condition_number").median().map_elements(_trusted, return_dtype=pl.String),
        )
    )
    return counts.join(best, on=cell, how="left", nulls_equal=True, maintain_order="left").select(
        *cell,
        *("trials", *words, "best_learning_rate"),
        *(f"median_{name}", f"min_{name}"),
        *((WITHOUT_ERROR,) if (best[WITHOUT_ERROR] > 0).any() else ()),
        pl.col("condition_number").fill_null(""),
        *_limit_in_words(),
        "verdict",
    )


def _limit_in_words() -> tuple[pl.Expr, pl.Expr]:
    """The rate below which every trial is stable, if theory has one, and what the limit is; with its number if not."""
    rate, words = pl.col("stable_learning_rate"), pl.col("limit")
    everywhere = words.is_in([limit.value for limit in STABLE])
    described = pl.format("{}: {}", rate.round_sig_figs(4), words)
    in_words = pl.when(everywhere | rate.is_null()).then(words).otherwise(described)
    return pl.when(everywhere).then(rate).alias("stable_learning_rate"), in_words.alias("limit")


def best_of_each_model(results: pl.DataFrame) -> pl.DataFrame:
    """One row for every problem and model: its best width and learning rate, and the verdict.

    The verdict is that on all trials of the model, at any width.

    Returns:
        A table in the order of the plan.
    """
    name = f"median_{criterion(results)}"
    table = summary(results)
    group = curve_of(results)
    counts = results.group_by(group, maintain_order=True).agg(
        pl.len().alias("trials"),
        (pl.col("status") == "diverged").sum().alias("diverged"),
        verdict_counts(pl.col("verdict")).alias("verdict"),
    )
    best = best_widths(results).filter("best").select(*group, "width")
    best = table.join(best, on=[*group, "width"], how="semi", nulls_equal=True)
    none = table.join(best, on=group, how="anti", nulls_equal=True)
    best = pl.concat([best, none.sort("width").group_by(group, maintain_order=True).first().select(best.columns)])
    kept = [column for column in ("width", "best_learning_rate", name, WITHOUT_ERROR) if column in table.columns]
    joined = counts.join(best.select(*group, *kept), on=group, how="left", nulls_equal=True, maintain_order="left")
    shown = joined.select(*group, "trials", "diverged", *kept, pl.col("verdict"))
    return shown.rename({"width": "best_width"})


def _trusted(condition_number: float) -> str:
    """A condition number as far as float64 can tell."""
    if math.isnan(condition_number):
        return "nan"
    if math.isinf(condition_number):
        return f"inf ({DEPENDENT})"
    match trust(condition_number):
        case Trust.TRUSTED:
            return f"{condition_number:.4g}"
        case Trust.ONE_DIGIT:
            return f"{condition_number:.0e} (one digit)"
        case Trust.AT_LEAST:
            return ">= 1e15 (float64 limit)"
