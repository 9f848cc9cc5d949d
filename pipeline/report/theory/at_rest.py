"""Where descent on a network may come to rest: only where its learning rate is stable.

Close to a minimum the loss is its quadratic, on which full-batch descent grows in every mode whose eigenvalue is above
the stability factor of the optimizer over the rate, ``factor / rate``, and falls in the others. So a trial that rests
has a *stability index* ``rate lambda_max / factor`` of at most 1: a minimum above it attracts a set of measure zero,
and the rounding of every step leaves that. What it means for numbers recorded at finitely many steps:

- a trial is at rest whose gradient g, over as many steps again, would lower the loss by at most 1 % of what it has
  changed by, ``rate / (1 - momentum) steps |g|^2 <= 0.01 |L(0) - L|``; all others are still moving, those too that go
  round a cycle for ever;
- lambda_max is certified to a relative 1e-8, and never above the largest eigenvalue by more: at rest at an index below
  1 by that, a trial agrees;
- it contradicts at an index above 1 by the margin of its dtype, if it was at rest at the last two recorded steps, and
  the steps between them would have made rounding as large as the weights themselves;
- it does not if its gradient is no more than rounding, or the same at both: what is exactly at an unstable point, or
  among the few numbers around it, stays there;
- nor if its activation has kinks: one that comes to lie on a point has another curvature on its other side;
- nothing is said of a trial that diverged: above its first limit descent on a network may diverge, or move to where
  the curvature is less, and below it may meet more curvature on its way.

Of activations with kinks lambda_max is that of the loss between them, which is exact until a kink moves across a point.
Adam divides each coordinate by the size of its own earlier gradients, so that
lambda_max alone has no limit for it; on minibatches the gradient of a batch does not vanish where that of all points
does, so that nothing comes to rest.

Source: Wu, Ma, E, "How SGD selects the global minima in over-parameterized learning: a dynamical stability
perspective" (NeurIPS 2018), section 2; Cohen et al., arXiv 2103.00065, section 2.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl
import torch

from pipeline.experiment.trial import Shape
from pipeline.models.shallow import Shallow
from pipeline.report.theory.rule_on_quadratics import recurrence_of, stability_factor_of
from pipeline.report.theory.stable_rates import MARGIN
from pipeline.report.theory.verdicts import AGREES, CONTRADICTS, Said, number_in_rows

AT_REST = 0.01
"""Fraction of the change of the loss that as many steps again may lower it by at rest."""
ROUNDINGS = 100.0
"""Gradient that rounding may make, times the unit of rounding and that of ``sqrt(2 lambda_max L(0))``."""
CERTIFIED = 1e-8
"""Relative distance within which the recorded sharpness is an eigenvalue."""

MOVING = "still moving"
NOT_CERTIFIED = "without a certified sharpness"
NO_SHARPNESS = "without a recorded sharpness"
STUCK = "stopped by rounding"
AT_A_KINK = "at rest at a kink"
AT_THE_EDGE = "at the edge of stability"
DIVERGED = "diverged"


class DescentOfNetwork(NamedTuple):
    """What a shape tells of its trials, all ``None`` where its descent has no stability limit."""

    factor: float | None
    """Largest stable learning rate times the largest eigenvalue of the Hessian."""
    momentum: float | None
    nesterov: bool | None
    rounding: float | None
    """Of the stored weights, relative."""
    rest_margin: float | None
    """Relative distance to the limit within which rounding decides."""
    kinked: bool | None
    """Whether the activation has kinks, on both sides of which lambda_max differs."""


SHAPE_COLUMNS = {
    "factor": pl.Float64,
    "momentum": pl.Float64,
    "nesterov": pl.Boolean,
    "rounding": pl.Float64,
    "rest_margin": pl.Float64,
    "kinked": pl.Boolean,
}
"""Columns of ``DescentOfNetwork``."""


def descent_of_network(shape: Shape) -> DescentOfNetwork:
    """What a shape tells about the rest of its trials.

    Args:
        shape: Model, optimizer, size of the minibatches.

    Returns:
        In the order of ``SHAPE_COLUMNS``.
    """
    factor, recurrence = stability_factor_of(shape), recurrence_of(shape)
    if shape.model.linear or shape.batch_size is not None or factor is None or recurrence is None:
        return DescentOfNetwork(None, None, None, None, None, None)
    rounding = torch.finfo(torch.float32 if shape.stored == "float32" else torch.float64).eps
    kinked = isinstance(shape.model, Shallow) and shape.model.activation.kinked
    return DescentOfNetwork(factor, recurrence.momentum, recurrence.nesterov, rounding, MARGIN[shape.stored], kinked)


def log_growth_per_step(curvature: pl.Expr, momentum: pl.Expr, nesterov: pl.Expr) -> pl.Expr:
    """Logarithm of the factor by which a step multiplies the error of a mode above the limit.

    The largest root, in modulus, of ``z^2 + s z + p``: ``s = x - 1 - b`` and ``p = b`` for the heavy ball,
    ``s = (x - 1)(1 + b)`` and ``p = b (1 - x)`` for Nesterov's momentum.

    Args:
        curvature: x, the learning rate times the eigenvalue, above the limit.
        momentum: b, zero for gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        0 at the limit.
    """
    x, b = curvature, momentum
    s = pl.when(nesterov).then((x - 1) * (1 + b)).otherwise(x - 1 - b)
    p = pl.when(nesterov).then(b * (1 - x)).otherwise(b)
    return ((s + (s * s - 4 * p).sqrt()) / 2).log()


def at_rest_verdict() -> Said:
    """Whether a network that rests does so where its learning rate is stable, from columns of the same frame.

    Columns: those of ``SHAPE_COLUMNS``, ``status``, ``learning_rate``, ``step``, ``first_loss``, ``loss``,
    ``gradient_norm``, ``gradient_before`` and ``step_before``, at the last recorded step and the one before it,
    ``sharpness`` and ``first_sharpness``.

    Returns:
        Null of a trial whose descent has no stability limit, or that has not ended.
    """
    rate, steps, gradient = pl.col("learning_rate"), pl.col("step"), pl.col("gradient_norm")
    index = stability_index("sharpness")
    lowered = (pl.col("first_loss") - pl.col("loss")).abs()
    per_square = rate / (1 - pl.col("momentum")) * steps
    left = per_square * gradient.pow(2)
    rests = left <= AT_REST * lowered
    rested_before = per_square * pl.col("gradient_before").pow(2) <= AT_REST * lowered
    least = rate * pl.col("sharpness") * (1 - pl.col("rest_margin"))
    growth = log_growth_per_step(least, pl.col("momentum"), pl.col("nesterov"))
    has_left = growth * (steps - pl.col("step_before")) > -pl.col("rounding").log()
    unstable = (index * (1 - pl.col("rest_margin")) > 1) & rested_before & has_left
    noise = ROUNDINGS * pl.col("rounding") * (2 * pl.col("sharpness") * pl.col("first_loss")).sqrt()
    part = (100 * left / lowered).round_sig_figs(2)
    percent = pl.when(part <= 100).then(part.cast(pl.String)).otherwise(pl.lit("more than 100"))
    at = pl.format("it rests at {} of the largest stable learning rate there", index.round_sig_figs(3))
    moves = pl.format(
        "still moving after {} (gradient {}): as many again could lower the loss by {} % of what they did",
        *(number_in_rows(steps, "step"), gradient.round_sig_figs(2), percent),
    )
    done = (
        pl.when(pl.col("sharpness").is_null() | gradient.is_null() | pl.col("loss").is_null())
        .then(_said(NO_SHARPNESS, "no sharpness, gradient norm and loss are recorded at the last step"))
        .when(~pl.col("sharpness").is_finite())
        .then(_said(NOT_CERTIFIED, "the largest eigenvalue of its Hessian is not certain"))
        .when(~rests | ~gradient.is_finite())
        .then(_said(MOVING, moves))
        .when(index * (1 + CERTIFIED) <= 1)
        .then(_said(AGREES, at))
        .when((gradient <= noise) | (gradient == pl.col("gradient_before")))
        .then(_said(STUCK, "its gradient is no more than rounding, in which descent stays where it is"))
        .when(pl.col("kinked"))
        .then(_said(AT_A_KINK, pl.format("{}, on one side of a kink that may lie on a point", at)))
        .when(unstable)
        .then(_said(CONTRADICTS, pl.format("{}, where rounding alone would have grown", at)))
        .otherwise(_said(AT_THE_EDGE, pl.format("{}, and has not had the steps to leave", at)))
    )
    ended = pl.when(pl.col("status") == "diverged").then(_of_diverged()).otherwise(done)
    said = pl.when(pl.col("factor").is_not_null() & pl.col("status").is_in(["done", "diverged"])).then(ended)
    return Said(said.struct.field("verdict"), said.struct.field("grounds"))


def stability_index(sharpness: str) -> pl.Expr:
    """The learning rate over the largest stable one of a Hessian, from the column of its largest eigenvalue."""
    return pl.col("learning_rate") * pl.col(sharpness) / pl.col("factor")


def _of_diverged() -> pl.Expr:
    after = pl.format("diverged after {}", number_in_rows(pl.col("step"), "step"))
    first = stability_index("first_sharpness").round_sig_figs(3)
    return _said(DIVERGED, pl.coalesce(pl.format("{}, at {} of its limit at step 0", after, first), after))


def _said(verdict: str, grounds: pl.Expr | str) -> pl.Expr:
    text = pl.lit(grounds) if isinstance(grounds, str) else grounds
    return pl.struct(pl.lit(verdict).alias("verdict"), text.alias("grounds"))
