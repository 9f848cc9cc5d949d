"""What an optimizer says of its steps on a quadratic, as theory asks it; nothing where a rule of one's own fails."""

from __future__ import annotations

from pipeline.experiment.trial import Shape
from pipeline.optimizers.rules import Recurrence
from pipeline.optimizers.stability_limits import Limit, limit_of
from pipeline.report.theory.own_code import unless_own_code_fails


def recurrence_of(shape: Shape) -> Recurrence | None:
    """Recurrence of the steps on a quadratic.

    Args:
        shape: What the trials of a pack have in common.

    Returns:
        ``None`` where there is none, or a rule of one's own fails.
    """
    return unless_own_code_fails(_part(shape), shape.optimizer.on_quadratics, None)


def stability_factor_of(shape: Shape) -> float | None:
    """The largest stable learning rate on a quadratic times the largest eigenvalue of its Hessian.

    Args:
        shape: What the trials of a pack have in common.

    Returns:
        ``None`` where there is none, or a rule of one's own fails.
    """
    return unless_own_code_fails(_part(shape), shape.optimizer.stability_factor, None)


def meaning_of_limit(shape: Shape) -> Limit | None:
    """What is known of learning rates below the predicted limit of a shape.

    Args:
        shape: Model, optimizer, loss and size of the minibatches.

    Returns:
        ``None`` where there is no such limit, or a rule of one's own fails.
    """
    minibatches, linear = shape.batch_size is not None, shape.model.linear
    return unless_own_code_fails(
        _part(shape), lambda: limit_of(shape.optimizer, shape.loss, linear=linear, minibatches=minibatches), None
    )


def _part(shape: Shape) -> str:
    return f"theory of {shape.optimizer.label()}"
