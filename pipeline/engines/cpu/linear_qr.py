"""The fused engine for linear models on full batches of the square loss: F rows in place of N points.

With ``X = Q R`` the residual of N points splits into a part that the weights change and one that they do not,

    ``|X w - y|^2 = |R w - Q^T y|^2 + |y - Q Q^T y|^2``.

So descent on the F rows of R is descent on all points: the same weights after every step but for rounding, and the same
conditioning, that of X. The triangular factor of ``[X y]`` holds R, ``Q^T y`` and a root of the constant; it is
computed once, in float64. The constant is kept apart from the losses of the rows, so that what is left to gain keeps
its digits.

Shape letters: R columns of ``[X y]``.

Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.3.2.
"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.engine import Fused
from pipeline.engines.cpu.qr import triangular_factors, triangular_kernel
from pipeline.engines.engine import Stack
from pipeline.engines.threads import threads_of_operation
from pipeline.experiment.engine_names import LINEAR_QR
from pipeline.experiment.trial import Shape


@final
class LinearQr(Fused):
    """Linear models with more points than features, the square loss of all of them at every step."""

    name: ClassVar[str] = LINEAR_QR

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        self.constant = 0.0
        super().__init__(context, batch_size, device)

    def _training_points(self) -> tuple[Tensor, Tensor]:
        """The rows of R and of ``Q^T y`` as points, so scaled that their mean is that over all points."""
        features_PF, targets_PK = self.context.prepared_AP.mT, self.context.dataset.train_targets_PK
        num_points, num_features = features_PF.shape
        whole_PR = torch.cat([features_PF, targets_PK], dim=1)
        missing = max(0, whole_PR.shape[1] - num_points)  # rows of zeros, which change no sum of squares
        whole_PR = torch.nn.functional.pad(whole_PR, (0, 0, 0, missing))
        with threads_of_operation(1):  # where LAPACK factorises, its last bits depend on how many there are
            factor_RR = triangular_factors(whole_PR[None])[0]
        self.constant = float(factor_RR[num_features:, num_features:].square().sum() / (2 * num_points))
        rows_FR = factor_RR[:num_features] * (num_features / num_points) ** 0.5
        return rows_FR[:, :num_features].mT, rows_FR[:, num_features:].mT

    @classmethod
    def compile_kernels(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        triangular_kernel()
        super().compile_kernels(shape, top_of_hessian=top_of_hessian)

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        losses_T, gradient_TN = super().value_and_gradient(weights_TN)
        return losses_T + self.constant, gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        bounds_T = stack.loss_bounds_T - self.constant
        return super().advance(dataclasses.replace(stack, loss_bounds_T=bounds_T), first_step, last_step)
