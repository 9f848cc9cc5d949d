"""What the trials that diverged say: whether they did what was asked of them."""

from __future__ import annotations

import polars as pl

from pipeline.errors import number_of
from pipeline.optimizers.stability_limits import Limit
from pipeline.report.tables.results import TIMES_FIRST_LIMIT

BOUNDS = (Limit.EXACT.value, Limit.FALLS.value)
"""Limits below which no trial diverges."""
AT_FIRST = "the limit at their first weights"
NO_BOUND = "The limit of a network at its first weights is no exact bound: its curvature changes while it trains."


def divergence_sentence(results: pl.DataFrame) -> str:
    """How many trials diverged above the limit, as was asked for, below it, and where none is known.

    The limit of a linear model is exact. That of a network whose sharpness is recorded at step 0 is the one there,
    ``2 / lambda_0`` for gradient descent: above it descent may come back, below it it may meet more curvature.

    Args:
        results: One row for every trial.

    Returns:
        A sentence, and one more on the limit of networks if it counts them; empty where no trial diverged.
    """
    diverged = pl.col("status") == "diverged"
    total = results.select(diverged.sum()).item()
    if not total:
        return ""
    ended = results.filter(pl.col("status").is_in(["done", "diverged"]))
    counts = ended.group_by(_side(results).alias("side")).agg(diverged.sum().alias("diverged"), pl.len())
    of = {name: (bad, whole) for name, bad, whole in counts.iter_rows()}
    parts = [_above(*of["above"])] if "above" in of else []
    parts += [_below(*of["below"])] if "below" in of else []
    networks = _of_networks(of)
    parts += [networks] if networks else []
    unknown, whole = of.get("unknown", (0, 0))
    parts += [f"{unknown} of {whole} for which no exact limit is known"] if unknown else []
    text = f"{number_of(total, 'trial')} diverged: {'; '.join(parts)}."
    return f"{text} {NO_BOUND}" if networks else text


def _side(results: pl.DataFrame) -> pl.Expr:
    """On which side of which limit the learning rate of a trial is."""
    nothing, limit = pl.lit(None, pl.Float64), "largest_stable_learning_rate"
    ratio = pl.col("learning_rate") / pl.col(limit) if limit in results.columns else nothing
    at_first = pl.col(TIMES_FIRST_LIMIT) if TIMES_FIRST_LIMIT in results.columns else nothing
    exact = pl.col("limit").is_in(BOUNDS) & ratio.is_finite()
    of_network = (pl.col("limit") == "") & at_first.is_finite()  # linear models without a limit have none at step 0
    return (
        pl.when(exact.fill_null(value=False))
        .then(pl.when(ratio > 1).then(pl.lit("above")).otherwise(pl.lit("below")))
        .when(of_network.fill_null(value=False))
        .then(pl.when(at_first > 1).then(pl.lit("above at first")).otherwise(pl.lit("below at first")))
        .otherwise(pl.lit("unknown"))
    )


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


def _of_networks(of: dict[str, tuple[int, int]]) -> str:
    """Networks on both sides of the limit at their first weights; empty where it is known of none."""
    parts, limit = [], AT_FIRST
    for side, words in (("above", "as asked for"), ("below", "which was not asked for")):
        if f"{side} at first" not in of:
            continue
        diverged, whole = of[f"{side} at first"]
        number = f"all {whole}" if 1 < diverged == whole else f"{diverged or 'none'} of {whole}"
        parts.append(f"{number} {side} {limit}{f', {words}' if diverged else ''}")
        limit = "it"
    return f"of networks, {', and '.join(parts)}" if parts else ""
