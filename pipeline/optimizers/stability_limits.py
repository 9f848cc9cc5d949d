"""Stability limits of the learning rate of descent on a linear model, and what they mean for a rule and a loss."""

from __future__ import annotations

from enum import Enum

from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


class Limit(Enum):
    """Guarantee for learning rates below the predicted limit; each in a few words."""

    EXACT = "exact"
    """All points at every step of the square loss, a quadratic: descent converges below the limit, and only there."""
    FALLS = "the loss falls below it"
    """Gradient descent on all points of any other loss, whose curvature is bounded: below the limit no step raises the
    loss; above it, where the curvature on the way is less, none need do so either. Nesterov, Lectures on Convex
    Optimization (2018), section 1.2.3."""
    LOCAL = "below it a minimum attracts, from nearby"
    """A rule with memory on such a loss: a minimum whose Hessian is positive attracts what starts close to it. From
    afar descent may go round a cycle for ever: Lessard, Recht, Packard (2016), section 4.6, for the heavy ball."""
    MEAN_SQUARE = "mean square of batches drawn afresh"
    """Gradient descent on batches of the square loss: below the limit the mean square of the weights stays finite,
    above it grows without bound, if every batch is drawn anew. One trial, and epochs in which every point comes once,
    may do better or worse."""


def limit_of(optimizer: Optimizer, loss: Loss, *, linear: bool, minibatches: bool) -> Limit | None:
    """Meaning of the predicted limit of the learning rate; ``None`` where no limit is known.

    Args:
        optimizer: The update rule.
        loss: Loss that it minimises.
        linear: Whether the model is linear in its weights; the curvature of another changes while it trains.
        minibatches: Whether a step takes some of the points only.

    Returns:
        A guarantee.
    """
    recurrence = optimizer.on_quadratics()
    if not linear or optimizer.stability_factor() is None or recurrence is None:
        return None
    without_memory = recurrence.momentum == 0
    if minibatches:
        return Limit.MEAN_SQUARE if without_memory and loss.quadratic else None
    if loss.quadratic:
        return Limit.EXACT
    return Limit.FALLS if without_memory else Limit.LOCAL
