"""The fused engine for linear models on full batches of the square loss: F rows in place of N points.

With ``X = Q R`` the residual of N points splits into a part that the weights change and one that they do not,

    ``|X w - y|^2 = |R w - Q^T y|^2 + |y - Q Q^T y|^2``.

So descent on the F rows of R is descent on all points: the same weights after every step but for rounding, and the same
conditioning, that of X. The triangular factor of ``[X y]`` holds R, ``Q^T y`` and a root of the constant; it is
computed once, in float64. The constant is kept apart from the losses of the rows, so that what is left to gain keeps
its digits.

Of few weights R lies in its triangle alone and trials in lanes (see ``kernels/triangular_step.py``): whatever the
number of trials, so that what each of them computes does not depend on the others.

Shape letters: R columns of ``[X y]``.

Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.3.2.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.bias_corrections import corrections
from pipeline.engines.cpu.codegen.buffers import aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import ArgumentValue, buffer
from pipeline.engines.cpu.codegen.simd import FloatDtype
from pipeline.engines.cpu.engine import LARGE_WORK, PARTS_PER_WORKER, Fused
from pipeline.engines.cpu.kernels.triangular_step import ROWS_TOGETHER, triangular_sizes, triangular_training
from pipeline.engines.cpu.lane_blocks import advance_in_lanes
from pipeline.engines.cpu.qr import triangular_factors, triangular_kernel
from pipeline.engines.cpu.scratch import Scratch
from pipeline.engines.cpu.training_kernels import gradient_kernel, kernel_spec
from pipeline.engines.engine import Stack, check_arrays
from pipeline.experiment.engine_names import LINEAR_QR
from pipeline.experiment.trial import Shape
from pipeline.numerics.threads import share_out, threads_of_operation
from pipeline.optimizers.rules import UpdateRule

FEW_WEIGHTS = 16
"""Weights of a trial up to which trials lie in lanes. Measured on one core with AVX-512, for one output, in packs of 32
and of one, so many times as fast as with points in lanes: 16 features 3.2 and 0.5 in float32, 2.3 and 0.65 in float64;
24 features 4.1 and 0.4, 2.7 and 0.55; 32 features 3.2 and 0.4, 1.6 and 0.35.
"""


def fits_lanes(width: int, num_outputs: int) -> bool:
    """Whether trials lie in lanes: a function of the shape alone, so that numbers do not depend on the pack."""
    return width * num_outputs <= FEW_WEIGHTS


@functools.cache
def lane_kernel(dtype: FloatDtype, rule: UpdateRule) -> Kernel:
    """What makes updates of models of few weights."""
    return Kernel(triangular_training(dtype, rule))


@final
class LinearQr(Fused):
    """Linear models with more points than features, the square loss of all of them at every step."""

    name: ClassVar[str] = LINEAR_QR

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        self.constant, self.in_lanes = 0.0, fits_lanes(context.width, context.num_outputs)
        self.rows_FR = torch.empty(0)
        super().__init__(context, batch_size, device)
        if self.in_lanes:
            self.common |= self._triangle()
            sizes = triangular_sizes(self.rule, context.width, context.num_outputs, self.lanes)
            for scratch in self.scratch:
                scratch.arguments |= {name: buffer(aligned_zeros(n, self.spec.dtype)) for name, n in sizes.items()}

    def _training_kernels(self) -> tuple[Kernel, Kernel]:
        return (lane_kernel(self.spec.dtype, self.rule),) * 2 if self.in_lanes else super()._training_kernels()

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
        self.rows_FR = factor_RR[:num_features] / num_points**0.5  # whose sum is the mean over all points
        rows_FR = factor_RR[:num_features] * (num_features / num_points) ** 0.5
        return rows_FR[:, :num_features].mT, rows_FR[:, num_features:].mT

    def _triangle(self) -> dict[str, ArgumentValue]:
        """R and ``Q^T y`` as arguments of a kernel with trials in lanes."""
        num_features, outputs = len(self.rows_FR), self.context.num_outputs
        row = round_up(num_features, ROWS_TOGETHER)
        filled = np.zeros((row, row + outputs), self.points.inputs_AP.dtype)
        filled[:num_features, :num_features] = self.rows_FR[:, :num_features].triu()
        filled[:num_features, row:] = self.rows_FR[:, num_features:]
        parts = {
            "triangle": filled[:, :row],
            "transposed_triangle": filled[:, :row].T,
            "triangle_targets": filled[:, row:].T,
        }
        arrays = {name: buffer(np.ascontiguousarray(part)) for name, part in parts.items()}
        return {"triangle_row": row, "num_outputs": outputs, **arrays}

    @classmethod
    def compile_kernels(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        triangular_kernel()
        num_inputs, num_outputs = shape.problem.num_inputs, shape.problem.num_outputs
        if not fits_lanes(shape.width, num_outputs):
            super().compile_kernels(shape, top_of_hessian=top_of_hessian)
            return
        assert isinstance(shape.optimizer, UpdateRule)
        lane_kernel(shape.stored, shape.optimizer)
        gradient_kernel(kernel_spec(shape.model, shape.loss, num_inputs, num_outputs, shape.stored))

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        losses_T, gradient_TN = super().value_and_gradient(weights_TN)
        return losses_T + self.constant, gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        bounds_T = stack.loss_bounds_T - self.constant
        stack = dataclasses.replace(stack, loss_bounds_T=bounds_T)
        advance = self._advance_in_lanes if self.in_lanes else super().advance
        return advance(stack, first_step, last_step)

    def _advance_in_lanes(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        """All updates, a trial in each lane."""
        check_arrays(self.context.dtype, len(stack), stack.arrays())
        diverged_T = torch.full((len(stack),), -1)
        factors_H2 = corrections(self.rule, first_step, last_step).astype(self.points.inputs_AP.dtype)

        def work(scratch: Scratch, first: int, last: int) -> None:
            found_T = advance_in_lanes(self._bound(self.training, scratch), stack.part(first, last), factors_H2)
            diverged_T[first:last] = torch.where(found_T < 0, found_T, found_T + first_step)

        products = len(stack) * (last_step - first_step) * self.points.num_points
        is_large = products * self.spec.operations(self.context.width) >= LARGE_WORK
        most_parts = PARTS_PER_WORKER * len(self.scratch) if is_large else 1
        share_out(work, self.scratch, len(stack), together=self.lanes, most_parts=most_parts)
        return diverged_T
