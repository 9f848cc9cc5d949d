"""Predicted losses of a linear model during descent on its quadratic.

Shape letters: R learning rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from pipeline.experiment.trial import Shape
from pipeline.numerics.descent import loss_curve
from pipeline.report.theory.initial_modes import initial_modes
from pipeline.report.theory.rule_on_quadratics import recurrence_of


def predicted_losses_of(shape: Shape, rates: Sequence[float], steps: Sequence[int]) -> torch.Tensor | None:
    """The loss of descent on the quadratic of a shape: ``L(t) = floor + sum_s l_s e_s(t)^2``.

    ``l_s`` is the initial loss of a mode and ``e_s(t)`` its error after t steps over its initial one.

    Args:
        shape: What the trials have in common.
        rates: R learning rates.
        steps: H steps.

    Returns:
        Shape ``[R, H]``; ``None`` where theory says nothing exact.
    """
    initial, recurrence = initial_modes(shape), recurrence_of(shape)
    if initial is None or recurrence is None:
        return None
    rates_R, steps_H = torch.tensor(rates, dtype=torch.float64), torch.tensor(steps, dtype=torch.int64)
    return loss_curve(initial, rates_R, steps_H, *recurrence)


def predicted_curves(
    shape: Shape, rates: Mapping[str, float | None], steps: Sequence[int]
) -> dict[str, dict[int, float]]:
    """The predicted loss of each trial of a shape at each step.

    Args:
        shape: What the trials have in common.
        rates: Learning rates by the id of the trial; a trial without one is left out.
        steps: H steps.

    Returns:
        Losses by step, by the id of the trial; empty where theory says nothing exact.
    """
    known = {trial: rate for trial, rate in rates.items() if rate is not None}
    losses_RH = predicted_losses_of(shape, list(known.values()), steps) if known else None
    if losses_RH is None:
        return {}
    return {trial: dict(zip(steps, row, strict=True)) for trial, row in zip(known, losses_RH.tolist(), strict=True)}
