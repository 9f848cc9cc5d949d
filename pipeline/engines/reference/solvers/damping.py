"""Damped Gauss-Newton steps ``(J^T J + mu I) d = J^T r``, each trial with its own damping mu.

The damping falls after a step that is accepted because it lowers the loss, and rises after one that is not.

Shape letters: M residuals.

Source: Nocedal and Wright, Numerical Optimization (2nd ed.), section 10.3.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.solvers.iteration import Iteration
from pipeline.numerics.least_squares import damped_by_normal_equations, damped_by_qr

LEAST_DAMPING, MOST_DAMPING = 1e-15, 1e6
FALLS_BY, RISES_BY = 3, 4

PRECISE_BELOW = 1e-10
"""Loss below which steps come from a QR decomposition: what is left of the residuals is about the size of what the
normal equations lose of the digits of a step."""

SIMD_LANES = 16
"""Numbers that PyTorch takes at once at most. It takes those that are left at the end of a tensor one by one, by
functions whose last bit may differ."""


class DampedStep(NamedTuple):
    """The outcome of one iteration of some trials.

    Args:
        given_T: Losses at the weights as they were given.
        weights_TN: Weights to go on with.
        accepted_T: Whether the step was taken.
    """

    given_T: Tensor
    weights_TN: Tensor
    accepted_T: Tensor


class DampedIteration(Iteration):
    """One damped step of each trial; the damping is all that is remembered.

    Args:
        context: Model and loss.
        points: Prepared inputs ``[A, P]`` and targets ``[K, P]``, float64.
        damping: mu of the first iteration.
    """

    def __init__(self, context: PackContext, points: tuple[Tensor, Tensor], damping: float) -> None:
        super().__init__(context, points)
        self.damping = damping
        self.num_last = -(-SIMD_LANES // context.num_points)

    @abstractmethod
    def step(self, weights_TN: Tensor, damping_T: Tensor) -> DampedStep:
        """One step of each trial, taken where the loss falls.

        Args:
            weights_TN: Float64.
            damping_T: mu.

        Returns:
            Losses before it, weights after it, and where it was accepted.
        """

    def __call__(self, weights_TN: Tensor, slots: tuple[Tensor, ...]) -> Tensor:
        (damping_T1,) = slots
        damping_T1 = torch.where(damping_T1 == 0, self.damping, damping_T1)
        # The first trial once more, so that no trial is the last one.
        again = [0] * self.num_last
        given_T, next_TN, accepted_T = self.step(
            torch.cat([weights_TN, weights_TN[again]]), torch.cat([damping_T1, damping_T1[again]])[:, 0]
        )
        num_trials = len(weights_TN)
        weights_TN.copy_(next_TN[:num_trials])
        slots[0].copy_(changed(damping_T1, accepted_T[:num_trials, None]))
        return given_T[:num_trials]


def damped_step(
    root_TNM: Tensor, gradient_TN: Tensor, residual_TM: Tensor | None, damping_T: Tensor, losses_T: Tensor
) -> Tensor:
    """The solution d of ``(J^T J + mu I) d = g``, to be subtracted from the weights.

    Args:
        root_TNM: ``J^T``, the transpose of the Jacobian of the residuals.
        gradient_TN: g, the gradient of the loss; ``J^T r`` where there are residuals.
        residual_TM: r, half whose squared length is the loss; ``None`` for another loss, whose steps
            come from the normal equations always.
        damping_T: mu.
        losses_T: Losses at the weights.

    Returns:
        Shape ``[T, N]``; NaN where there is no such step.
    """
    precise_T = losses_T < PRECISE_BELOW
    if residual_TM is None or not precise_T.any():
        return damped_by_normal_equations(root_TNM, gradient_TN, damping_T)
    step_TN, rough_T = torch.empty_like(gradient_TN), ~precise_T
    step_TN[precise_T] = damped_by_qr(root_TNM[precise_T], residual_TM[precise_T], damping_T[precise_T])
    step_TN[rough_T] = damped_by_normal_equations(root_TNM[rough_T], gradient_TN[rough_T], damping_T[rough_T])
    return step_TN


def changed(damping: Tensor, accepted: Tensor) -> Tensor:
    """The damping after a step: divided by ``FALLS_BY`` where it was accepted, else multiplied by ``RISES_BY``.

    Args:
        damping: mu before.
        accepted: Whether the step was taken.

    Returns:
        mu after, between ``LEAST_DAMPING`` and ``MOST_DAMPING``.
    """
    return torch.where(accepted, damping / FALLS_BY, damping * RISES_BY).clamp(LEAST_DAMPING, MOST_DAMPING)
