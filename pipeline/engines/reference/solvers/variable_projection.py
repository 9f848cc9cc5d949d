"""Variable projection: the output layer is a function of the hidden layer, the exact least-squares solution.

With the features ``F`` of the hidden layer, the constant one included, and an orthonormal
basis ``B`` of their range, what is left of the targets is ``(I - B B^T) y``. Of the two
terms of its Jacobian in the weights of the hidden layer Kaufman keeps
``-(I - B B^T) dF a``; the other is orthogonal to what is left, so the gradient is exact.

Shape letters: M residuals, R weights times outputs.

Source: Golub and Pereyra, Separable nonlinear least squares: the variable projection method and its applications
(Inverse Problems 19, 2003); Kaufman, A variable projection method for solving separable nonlinear least squares
problems (BIT 15, 1975).
"""

from __future__ import annotations

from typing import NamedTuple, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.solvers.damping import DampedIteration, DampedStep, damped_step
from pipeline.models.curvature import curvature
from pipeline.numerics.least_squares import least_squares


class Projected(NamedTuple):
    """Trials whose output layer is the best one.

    Args:
        weights_TN: With that output layer.
        losses_T: At these weights.
        gradient_TN: In the weights of the hidden layer, which is also that of the loss as their function.
        range_TPS: Orthonormal columns that span the features, then zeros.
    """

    weights_TN: Tensor
    losses_T: Tensor
    gradient_TN: Tensor
    range_TPS: Tensor


@final
class VariableProjectionIteration(DampedIteration):
    """One damped Gauss-Newton step of each hidden layer, kept where the loss with the best output layer falls.

    The model is a network with one hidden layer, the loss the square loss.
    """

    def __init__(self, context: PackContext, points: tuple[Tensor, Tensor], damping: float) -> None:
        super().__init__(context, points, damping)
        self.num_output = context.num_outputs * (context.width + 1)

    def step(self, weights_TN: Tensor, damping_T: Tensor) -> DampedStep:
        given_T, _ = self.evaluated(weights_TN)
        here = self.projected(weights_TN)
        root_TNM, residual_TM = self.kaufman(here)
        moved_TN = here.weights_TN.clone()
        moved_TN[:, : -self.num_output] -= damped_step(
            root_TNM, here.gradient_TN, residual_TM, damping_T, here.losses_T
        )
        there = self.projected(moved_TN)
        accepted_T = there.losses_T < here.losses_T
        return DampedStep(given_T, torch.where(accepted_T[:, None], there.weights_TN, here.weights_TN), accepted_T)

    def projected(self, weights_TN: Tensor) -> Projected:
        """The same hidden layers with the least-squares output layers.

        Args:
            weights_TN: Float64.

        Returns:
            Weights with those output layers, their losses and gradients, and the range of the features.
        """
        context, (prepared_AP, targets_KP) = self.context, self.points
        prepared_TAP = prepared_AP.expand(len(weights_TN), -1, -1)
        features_TPF = context.model.features(weights_TN, prepared_TAP, context.width, context.num_outputs)
        solution_TFK, range_TPS = least_squares(features_TPF, targets_KP.mT)
        best_TN = torch.cat([weights_TN[:, : -self.num_output], solution_TFK.mT.flatten(1)], dim=1)
        losses_T, gradient_TN = self.evaluated(best_TN)
        return Projected(best_TN, losses_T, gradient_TN[:, : -self.num_output], range_TPS)

    def kaufman(self, here: Projected) -> tuple[Tensor, Tensor]:
        """Kaufman's Jacobian ``-(I - B B^T) dF a`` of the residuals in the hidden weights, and the residuals.

        Args:
            here: Trials whose output layer is the least-squares solution.

        Returns:
            The transposed Jacobian, shape ``[T, N, K P]`` with N hidden weights, and the residuals, shape ``[T, K P]``.
        """
        context, (prepared_AP, targets_KP) = self.context, self.points
        curved = curvature(context.model, context.loss, here.weights_TN, prepared_AP, targets_KP, context.width)
        residual_TKP = context.loss.curvature_root(curved.outputs_TKP, curved.outputs_TKP - targets_KP)
        root_TNKP = curved.gauss_newton_root()[:, : -self.num_output]
        root_TRP = root_TNKP.flatten(1, 2)
        root_TRP = root_TRP - (root_TRP @ here.range_TPS) @ here.range_TPS.mT
        return root_TRP.view_as(root_TNKP).flatten(2), residual_TKP.flatten(1)
