"""Levenberg-Marquardt on all weights of every trial at once."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pipeline.diagnostics.snapshot import Learned
from pipeline.models.curvature import curvature
from pipeline.training.solvers.damping import changed, damped_step, started
from pipeline.training.solvers.iteration import Iteration


@final
class LevenbergMarquardtIteration(Iteration):
    """One damped Gauss-Newton step of each trial, kept where the loss falls.

    Args:
        learned: Model and loss.
        points: Prepared inputs and targets.
        damping: Where mu starts.
    """

    def __init__(self, learned: Learned, points: tuple[Tensor, Tensor], damping: float) -> None:
        super().__init__(learned, points)
        self.damping = damping

    def __call__(self, weights_TN: Tensor, slots: tuple[Tensor, ...]) -> Tensor:
        learned, (prepared_CP, targets_KP) = self.learned, self.points
        damping_T = started(slots[0], self.damping)
        losses_T, gradient_TN = self.evaluated(weights_TN)
        curved = curvature(learned.model, learned.loss, weights_TN, prepared_CP, targets_KP, learned.width)
        residual_TM = None
        if learned.loss.quadratic:
            away_TKP = curved.outputs_TKP - targets_KP
            residual_TM = learned.loss.curvature_root(curved.outputs_TKP, away_TKP).flatten(1)
        root_TNM = curved.gauss_newton_root().flatten(2)
        next_TN = weights_TN - damped_step(root_TNM, gradient_TN, residual_TM, damping_T, losses_T)
        accepted_T = self.evaluated(next_TN)[0] < losses_T
        weights_TN.copy_(torch.where(accepted_T[:, None], next_TN, weights_TN))
        slots[0].copy_(changed(damping_T, accepted_T))
        return losses_T
