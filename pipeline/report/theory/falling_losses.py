"""Losses that fall at every step: gradient descent on a linear model and any loss of bounded curvature.

With H the Hessian of the loss, ``lambda_max(H) <= c lambda_max(X^T X) / P`` at all weights, where c is the largest
curvature of the loss in one output. On all points, at rates below the limit 2 over this bound, no step of gradient
descent raises the loss, ``L(w - r g) <= L(w) - r (1 - r lambda / 2) |g|^2``, so that no trial diverges either:

- below the limit a trial agrees whose loss rises from no recorded step to the next by more than rounding, and
  contradicts if it does, or diverges;
- above it nothing is said: the curvature on the way may be less, so that the loss need not rise.

Of the square loss the limit is exact, and ``stable_rates`` says more.

Source: Nesterov, Lectures on Convex Optimization (2018), section 1.2.3.
"""

from __future__ import annotations

import polars as pl

from pipeline.optimizers.stability_limits import Limit
from pipeline.report.theory.stable_rates import (
    BELOW,
    GROUNDS,
    NO_LIMIT,
    NO_START,
    NOT_RECORDED,
    ONE_LOSS,
    ROUNDING,
    TOO_CLOSE,
)
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS, Said

ABOVE_BOUND = "above the bound"
WHY = {
    **GROUNDS,
    AGREES: f"{BELOW}, and from no recorded step to the next the loss rises",
    CONTRADICTS: f"{BELOW}, but the loss rises",
    ABOVE_BOUND: "the rate is above the limit, which is a bound: where the curvature on the way is less, the loss need "
    "not rise",
}
"""Each verdict, or reason for none, in full."""


def greatest_rise(value: pl.Expr, step: pl.Expr) -> pl.Expr:
    """The most by which a loss rises from one recorded step to the next, beyond what rounding of sums explains.

    Args:
        value: Losses of a trial.
        step: Their steps.

    Returns:
        An aggregation, in units of the loss: negative where every record is lower, infinite where one is not finite.
    """
    losses = value.sort_by(step).fill_nan(float("inf"))
    rises = losses.diff() - ROUNDING * losses.shift(1)
    return pl.when(losses.is_infinite().any()).then(float("inf")).otherwise(rises.max())


def falling_loss_verdict() -> Said:
    """Whether the loss of each trial falls where no step may raise it, from columns of the same frame.

    Columns: ``limit``, ``margin``, ``status``, ``learning_rate``, ``largest_stable_learning_rate``, ``first_loss``,
    ``several_losses``, ``greatest_rise``, and ``least_fraction``, of the first loss that may be rounding.

    Returns:
        Null of a trial that has not ended, or of which theory has no such limit.
    """
    ratio = pl.col("learning_rate") / pl.col("largest_stable_learning_rate")
    diverged = pl.col("status") == "diverged"
    rises = diverged | (pl.col("greatest_rise") > pl.col("least_fraction") * pl.col("first_loss"))
    decided = (
        pl.when(pl.col("first_loss").is_null() | ~pl.col("first_loss").is_finite())
        .then(pl.lit(NO_START))
        .when(ratio.is_null())
        .then(pl.lit(NOT_RECORDED))
        .when(ratio.is_nan())
        .then(pl.lit(NO_LIMIT))
        .when(ratio > 1 + pl.col("margin"))
        .then(pl.lit(ABOVE_BOUND))
        .when(ratio >= 1 - pl.col("margin"))
        .then(pl.lit(TOO_CLOSE))
        .when(~diverged & ~pl.col("several_losses"))
        .then(pl.lit(ONE_LOSS))
        .when(rises)
        .then(pl.lit(CONTRADICTS))
        .otherwise(pl.lit(AGREES))
    )
    applies = (pl.col("limit") == Limit.FALLS.value) & (diverged | (pl.col("status") == "done"))
    verdict = pl.when(applies.fill_null(value=False)).then(decided)
    return Said(verdict, verdict.replace_strict(WHY, return_dtype=pl.String))
