"""What the trials that diverged say: whether they did what was asked of them."""

from __future__ import annotations

import polars as pl

from pipeline.optimizers.stability_limits import Limit
from pipeline.report.tables.printing import number_of

BOUNDS = (Limit.EXACT.value, Limit.FALLS.value)
"""Limits below which no trial diverges."""


def divergence_sentence(results: pl.DataFrame) -> str:
    """How many trials diverged above the predicted limit, as theory says, below it, and where none is known.

    Args:
        results: One row for every trial.

    Returns:
        A sentence; empty where no trial diverged.
    """
    diverged = pl.col("status") == "diverged"
    total = results.select(diverged.sum()).item()
    if not total:
        return ""
    limit = "largest_stable_learning_rate"
    ratio = pl.col("learning_rate") / pl.col(limit) if limit in results.columns else pl.lit(None, pl.Float64)
    known = pl.col("limit").is_in(BOUNDS) & ratio.is_finite()
    over = pl.when(ratio > 1).then(pl.lit("above")).otherwise(pl.lit("below"))
    side = pl.when(known.fill_null(value=False)).then(over).otherwise(pl.lit("unknown")).alias("side")
    ended = results.filter(pl.col("status").is_in(["done", "diverged"]))
    counts = ended.group_by(side).agg(diverged.sum().alias("diverged"), pl.len())
    of = {name: (bad, whole) for name, bad, whole in counts.iter_rows()}
    parts = [_above(*of["above"])] if "above" in of else []
    parts += [_below(*of["below"])] if "below" in of else []
    unknown, whole = of.get("unknown", (0, 0))
    parts += [f"{unknown} of {whole} for which no exact limit is known"] if unknown else []
    return f"{number_of(total, 'trial')} diverged: {'; '.join(parts)}."


def _above(diverged: int, whole: int) -> str:
    if diverged == whole:
        return f"{_all(whole)} above the predicted limit, as asked for"
    return f"{diverged} of {whole} above the predicted limit"


def _all(whole: int) -> str:
    return "the only one" if whole == 1 else f"all {whole}"


def _below(diverged: int, whole: int) -> str:
    if not diverged:
        return f"none of {whole} below the predicted limit"
    return f"{diverged} of {whole} below the predicted limit, which theory does not expect"
