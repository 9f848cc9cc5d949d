"""The fused engine for networks of one input with a piecewise linear activation, on the cores of a processor.

A step takes of the order of ``N + m`` operations for N points and m units (see ``kernels/prefix_sums.py``). Trials are
worked on in blocks, one in each lane; lanes that are left over repeat the last trial and change nothing. What a trial
computes depends neither on the trials beside it nor on where a segment begins, to the last bit.

Shape letters: B blocks, L lanes.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Shortcuts
from pipeline.engines.bias_corrections import corrections
from pipeline.engines.cpu.codegen.buffers import aligned_zeros
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.codegen.simd import FloatDtype
from pipeline.engines.cpu.eigenvalues import LargestEigenvalues
from pipeline.engines.cpu.engine import LARGE_WORK, PARTS_PER_WORKER, Fused
from pipeline.engines.cpu.features import FeatureEvaluator
from pipeline.engines.cpu.kernels.prefix_sums import prefix_sum_gradient, prefix_sum_sizes, prefix_sum_training
from pipeline.engines.cpu.kernels.sorted_units import sorted_unit_sizes, sorted_unit_training, tables
from pipeline.engines.cpu.kernels.unit_order import order_sizes
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.engines.cpu.lane_blocks import LANES, advance_in_lanes, blocks, lanes_of_block, rows, sorted_points
from pipeline.engines.cpu.piecewise_eigenvalues import PiecewiseEigenvalues, fits, lane_lanczos_kernel
from pipeline.engines.cpu.singular_values import singular_values
from pipeline.engines.engine import Engine, Stack, check_arrays
from pipeline.experiment.engine_names import ONE_INPUT
from pipeline.experiment.trial import Shape
from pipeline.models.shallow import Shallow
from pipeline.numerics.threads import CORES, share_out
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.losses import HalfMeanSquare

OPERATIONS = 60
"""Of a unit or a point in one step, as they compare with those of a kernel that evaluates every unit at every point."""


@functools.cache
def training_kernel(spec: OneInputSpec, rule: UpdateRule, lanes: int = LANES) -> Kernel:
    """What makes updates: under the square loss by sums over units, else by sums over points, too."""
    write = sorted_unit_training if isinstance(spec.loss, HalfMeanSquare) else prefix_sum_training
    return Kernel(write(spec, rule, lanes))


@functools.cache
def gradient_kernel(spec: OneInputSpec) -> Kernel:
    """What computes losses and gradients."""
    return Kernel(prefix_sum_gradient(spec))


def spec_of(shape: Shape) -> OneInputSpec:
    """What the kernels of a shape are written for."""
    assert isinstance(shape.model, Shallow)
    return OneInputSpec(shape.problem.num_outputs, shape.model.activation, shape.loss, shape.stored)


@final
class OneInput(Engine):
    """Networks of one input, ReLU, leaky ReLU or identity, on all points at every step."""

    name: ClassVar[str] = ONE_INPUT

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        model, rule, loss = context.model, context.optimizer, context.loss
        assert isinstance(model, Shallow)
        assert isinstance(rule, UpdateRule)
        assert batch_size is None
        self.context, self.rule = context, rule
        stored: FloatDtype = "float32" if context.dtype == torch.float32 else "float64"
        self.spec = OneInputSpec(context.num_outputs, model.activation, loss, stored)
        self.num_weights = self.spec.num_weights(context.width)
        self.shared: dict[str, ArgumentValue] = {
            "width": context.width,
            "num_weights": self.num_weights,
            **sorted_points(*(part.to(context.dtype).double() for part in self._points())),
        }
        sums, square = tables(*(np.asarray(self.shared[name]) for name in ("inputs", "targets")))
        self.shared |= {"tables": sums, "square_of_targets": np.array([square])}
        values = FeatureEvaluator(context)
        by_sums = fits(loss, context.width, context.num_outputs)
        top_of_hessian = PiecewiseEigenvalues(context) if by_sums else LargestEigenvalues(context)
        self.shortcuts = Shortcuts(values.features, values.test_outputs, singular_values, top_of_hessian)
        self.scratch = [self._scratch() for _ in range(CORES)]

    def _points(self) -> tuple[Tensor, Tensor]:
        dataset = self.context.dataset
        return dataset.train_inputs_PD[:, 0], dataset.train_targets_PK

    def _scratch(self) -> dict[str, ArgumentValue]:
        """Memory that one core works in."""
        width, num_points = self.context.width, self.context.num_points
        sizes = prefix_sum_sizes(self.spec, num_points, LANES)
        sizes |= sorted_unit_sizes(self.spec, self.rule, width, LANES)
        integers = {"keys": width * LANES, **order_sizes(width, num_points, LANES)}
        return {
            **{name: aligned_zeros(size, "float64") for name, size in sizes.items()},
            **{name: np.zeros(size, dtype=np.int64) for name, size in integers.items()},
        }

    @classmethod
    def compile_kernels(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        assert isinstance(shape.optimizer, UpdateRule)
        spec = spec_of(shape)
        training_kernel(spec, shape.optimizer)
        gradient_kernel(spec)
        by_sums = fits(shape.loss, shape.width, shape.problem.num_outputs)
        Fused.compile_diagnostics(shape, top_of_hessian=top_of_hessian and not by_sums)
        if top_of_hessian and by_sums:
            lane_lanczos_kernel(dataclasses.replace(spec, dtype="float64"))

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        check_arrays(self.context.dtype, len(weights_TN), {"weights": weights_TN.contiguous()})
        losses_T, gradient_TN = weights_TN.new_empty(len(weights_TN)), torch.empty_like(weights_TN)

        def work(scratch: dict[str, ArgumentValue], first: int, last: int) -> None:
            weights_BNL, num_trials = blocks(weights_TN[first:last]), last - first
            losses_BL = np.empty((len(weights_BNL), LANES))
            gradients_BNL = np.empty_like(weights_BNL)
            told = {"weights": weights_BNL, "losses": losses_BL, "gradients": gradients_BNL}
            gradient_kernel(self.spec)({**self.shared, **scratch, **told, "num_blocks": len(weights_BNL)})
            losses_T[first:last] = torch.from_numpy(losses_BL.ravel()[:num_trials])
            gradient_TN[first:last] = rows(gradients_BNL, num_trials)

        self._on_all_cores(work, len(weights_TN), 1)
        return losses_T, gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        check_arrays(self.context.dtype, len(stack), stack.arrays())
        diverged_T = torch.full((len(stack),), -1)
        factors_H2 = corrections(self.rule, first_step, last_step)

        lanes = lanes_of_block(len(stack))

        def work(scratch: dict[str, ArgumentValue], first: int, last: int) -> None:
            kernel = training_kernel(self.spec, self.rule, lanes).bind({**self.shared, **scratch})
            found_T = advance_in_lanes(kernel, stack.part(first, last), factors_H2, lanes)
            diverged_T[first:last] = torch.where(found_T < 0, found_T, found_T + first_step)

        self._on_all_cores(work, len(stack), last_step - first_step)
        return diverged_T

    def _on_all_cores(
        self, work: Callable[[dict[str, ArgumentValue], int, int], None], num_trials: int, num_steps: int
    ) -> None:
        """Do work on all trials: each core takes some blocks at a time until none is left."""
        num_blocks = -(-num_trials // LANES)
        operations = OPERATIONS * num_blocks * LANES * num_steps * (self.context.width + self.context.num_points)
        most_parts = PARTS_PER_WORKER * len(self.scratch) if operations >= LARGE_WORK else 1
        share_out(work, self.scratch, num_trials, together=LANES, most_parts=most_parts)
