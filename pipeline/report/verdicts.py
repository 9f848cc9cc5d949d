"""Whether what happened at a learning rate is what the theory of descent on quadratics says.

For a linear model, the square loss, all points at every step and an optimizer with a
stability factor, descent converges below the largest stable learning rate and diverges
above it. What that means for numbers recorded at finitely many steps:

- within 1 % of the limit nothing is said (in float64, 0.05 %), nor where the first loss is not finite
  or not known: data that overflow the dtype diverge at any rate;
- below it nothing is said of a trial that ended with one recorded loss, which is its own first;
- below it a trial must not diverge, and an optimizer without memory must not end above its
  first loss (one with memory may overshoot at first, so only an end below the first loss counts);
- above it a trial must diverge, or end above its least loss. One that fell to the end
  contradicts the theory only if there was time: the loss along the top eigenvector grows by
  ``(2 r - 1)^2`` a step at ``r`` times the limit (with momentum faster), and a start without a
  component there has one only from rounding, so ``GROWTH_THAT_SHOWS`` is asked for;
- nothing is said of a trial that was computed in closed form: theory would be held against itself.
"""

from __future__ import annotations

import math

import polars as pl

from pipeline.experiment.names import CLOSED_FORM
from pipeline.experiment.trial import Shape
from pipeline.optimizers.rules import UpdateRule

AGREES, CONTRADICTS, CANNOT_SAY = "agrees", "contradicts", "cannot say"

MARGIN = {"float32": 0.01, "float64": 0.0005}
"""Relative distance to the limit within which rounding decides."""
ROUNDING = 1e-4
"""Relative change of a loss that float32 sums may show without a cause."""
GROWTH_THAT_SHOWS = 1e32
"""Factor that lifts a component of the size of rounding, squared, to the size of the loss."""


def has_limit(shape: Shape) -> bool:
    """Whether the largest stable learning rate of a shape is exact."""
    known = shape.optimizer.stability_factor() is not None
    return known and shape.model.linear and shape.loss.quadratic and shape.batch_size is None


def overshoots(shape: Shape) -> bool:
    """Whether the optimizer remembers earlier steps, so that the loss may rise before it falls."""
    return not isinstance(shape.optimizer, UpdateRule) or shape.optimizer.slots > 0


def learning_rate_verdict() -> pl.Expr:
    """The verdict on each trial, from columns of the same frame.

    Columns: ``has_limit``, ``overshoots``, ``margin``, ``status``, ``step``, ``learning_rate``,
    ``largest_stable_learning_rate``, ``first_loss``, ``least_loss``, ``loss``, the last,
    ``several_losses``, whether these come from more than one step, and ``engine``, null where that is not known.
    """
    ratio = pl.col("learning_rate") / pl.col("largest_stable_learning_rate")
    diverged = pl.col("status") == "diverged"
    finished = diverged | (pl.col("status") == "done")
    last = pl.col("loss").fill_nan(math.inf)
    ends_lower = last <= pl.col("first_loss") * (1 + ROUNDING)
    grew = diverged | (last > pl.col("least_loss") * (1 + ROUNDING))
    log_growth = 2 * pl.col("step") * (2 * ratio - 1).log()

    below = (
        pl.when(diverged)
        .then(pl.lit(CONTRADICTS))
        .when(~pl.col("several_losses"))
        .then(pl.lit(CANNOT_SAY))
        .when(ends_lower)
        .then(pl.lit(AGREES))
        .when(~ends_lower & ~pl.col("overshoots"))
        .then(pl.lit(CONTRADICTS))
    )
    above = (
        pl.when(grew)
        .then(pl.lit(AGREES))
        .when(~grew & (log_growth > math.log(GROWTH_THAT_SHOWS)))
        .then(pl.lit(CONTRADICTS))
    )
    verdict = pl.when(ratio < 1 - pl.col("margin")).then(below).when(ratio > 1 + pl.col("margin")).then(above)
    known = pl.col("has_limit") & measured() & finished & pl.col("first_loss").is_finite()
    return pl.when(known).then(verdict).fill_null(CANNOT_SAY).alias("verdict")


def measured() -> pl.Expr:
    """Whether a trial was trained by iterating, from its ``engine``: the closed form is what theory says."""
    return pl.col("engine").ne_missing(pl.lit(CLOSED_FORM))


def not_measured(outcomes: pl.DataFrame) -> str:
    """Why nothing is said of some trials of a run; empty where all were measured."""
    number = outcomes.select((~measured()).sum()).item()
    if not number:
        return ""
    trials = "1 trial was" if number == 1 else f"{number} trials were"
    return (
        f"{trials} computed in closed form, which is what theory says: nothing was measured there that could agree "
        "with it. Leave engine out to measure."
    )


def counted(verdict: pl.Expr, of: str = "trial") -> pl.Expr:
    """The verdicts of a group in words, as ``agrees (7 of 7 trials)``; to be used in an aggregation."""
    contradicting = (verdict == CONTRADICTS).sum()
    total = (verdict != CANNOT_SAY).sum()
    noun = pl.when(total == 1).then(pl.lit(of)).otherwise(pl.lit(f"{of}s"))
    return (
        pl.when(total == 0)
        .then(pl.lit(CANNOT_SAY))
        .when(contradicting == 0)
        .then(pl.format("agrees ({} of {} {})", total, total, noun))
        .otherwise(pl.format("contradicts ({} of {} {})", contradicting, total, noun))
    )
