"""Predicted losses of a linear model during descent on its quadratic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from pipeline.experiment.trial import Shape
from pipeline.numerics.descent import loss_curve
from pipeline.report.theory.initial_modes import initial_modes


def predicted_losses_of(shape: Shape, rates: Sequence[float], steps: Sequence[int]) -> torch.Tensor | None:
    """The loss of descent on the quadratic of a shape, shape ``[R, H]``; ``None`` where theory says nothing exact.

    Args:
        shape: What is trained.
        rates: R learning rates.
        steps: H steps.
    """
    initial, recurrence = initial_modes(shape), shape.optimizer.on_quadratics()
    if initial is None or recurrence is None:
        return None
    rates_R, steps_H = torch.tensor(rates, dtype=torch.float64), torch.tensor(steps, dtype=torch.int64)
    return loss_curve(initial, rates_R, steps_H, *recurrence)


def predicted_curves(
    shape: Shape, rates: Mapping[str, float | None], steps: Sequence[int]
) -> dict[str, dict[int, float]]:
    """The predicted loss of each trial of a shape at each step; nothing where theory says nothing exact.

    Args:
        shape: What the trials have in common.
        rates: The learning rate of each, by id; those of none are left out.
        steps: At which.
    """
    known = {trial: rate for trial, rate in rates.items() if rate is not None}
    losses_RH = predicted_losses_of(shape, list(known.values()), steps) if known else None
    if losses_RH is None:
        return {}
    return {trial: dict(zip(steps, row, strict=True)) for trial, row in zip(known, losses_RH.tolist(), strict=True)}
