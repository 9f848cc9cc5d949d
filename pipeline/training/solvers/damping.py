"""Damped Gauss-Newton steps, each trial with its own damping: accepted where the loss falls."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.numerics.least_squares import damped_by_normal_equations, damped_by_qr

LEAST_DAMPING, MOST_DAMPING = 1e-15, 1e6
FALLS_BY, RISES_BY = 3, 4

PRECISE_BELOW = 1e-10
"""Loss below which steps come from a QR decomposition: what is left of the residuals is about the size of what the
normal equations lose of the digits of a step."""


def started(damping_T1: Tensor, start: float) -> Tensor:
    """The damping of each trial, ``[T]``: zero in its slot is that of a trial that has not begun."""
    damping_T = damping_T1[:, 0]
    return torch.where(damping_T == 0, start, damping_T)


def damped_step(
    root_TNM: Tensor, gradient_TN: Tensor, residual_TM: Tensor | None, damping_T: Tensor, losses_T: Tensor
) -> Tensor:
    """What to subtract from the weights, shape ``[T, N]``; NaN where there is no such step.

    Args:
        root_TNM: The transpose of the Jacobian of the residuals.
        gradient_TN: Of the loss; the product of root and residuals where there are residuals.
        residual_TM: Half their squared length is the loss; ``None`` for another loss, whose steps
            come from the normal equations always.
        damping_T: mu.
        losses_T: At the weights.
    """
    if residual_TM is None:
        return damped_by_normal_equations(root_TNM, gradient_TN, damping_T)
    precise_T = losses_T < PRECISE_BELOW
    if not precise_T.any():
        return damped_by_normal_equations(root_TNM, gradient_TN, damping_T)
    step_TN = torch.empty_like(gradient_TN)
    step_TN[precise_T] = damped_by_qr(root_TNM[precise_T], residual_TM[precise_T], damping_T[precise_T])
    rough_T = ~precise_T
    step_TN[rough_T] = damped_by_normal_equations(root_TNM[rough_T], gradient_TN[rough_T], damping_T[rough_T])
    return step_TN


def changed(damping_T: Tensor, accepted_T: Tensor) -> Tensor:
    """The damping after a step, shape ``[T, 1]``: lower where it was accepted, else higher."""
    next_T = torch.where(accepted_T, damping_T / FALLS_BY, damping_T * RISES_BY)
    return next_T.clamp(LEAST_DAMPING, MOST_DAMPING)[:, None]
