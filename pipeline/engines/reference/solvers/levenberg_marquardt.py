"""Levenberg-Marquardt on all weights of every trial at once.

Shape letters: M residuals.

Source: Nocedal and Wright, Numerical Optimization (2nd ed.), section 10.3.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from pipeline.engines.reference.solvers.damping import DampedIteration, DampedStep, damped_step
from pipeline.models.curvature import curvature


@final
class LevenbergMarquardtIteration(DampedIteration):
    """One step ``(J^T J + mu I) d = J^T r`` of all weights of each trial, kept where the loss falls.

    For a loss that is not a sum of squares ``J^T J`` is the Gauss-Newton matrix of the loss and ``J^T r`` its gradient.
    """

    def step(self, weights_TN: Tensor, damping_T: Tensor) -> DampedStep:
        context, (prepared_AP, targets_KP) = self.context, self.points
        losses_T, gradient_TN = self.evaluated(weights_TN)
        curved = curvature(context.model, context.loss, weights_TN, prepared_AP, targets_KP, context.width)
        residual_TM = None
        if context.loss.quadratic:
            away_TKP = curved.outputs_TKP - targets_KP
            residual_TM = context.loss.curvature_root(curved.outputs_TKP, away_TKP).flatten(1)
        root_TNM = curved.gauss_newton_root().flatten(2)
        next_TN = weights_TN - damped_step(root_TNM, gradient_TN, residual_TM, damping_T, losses_T)
        accepted_T = self.evaluated(next_TN)[0] < losses_T
        return DampedStep(losses_T, torch.where(accepted_T[:, None], next_TN, weights_TN), accepted_T)
