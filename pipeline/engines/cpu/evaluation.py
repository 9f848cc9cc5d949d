"""Networks of one shape on some points, as kernels that evaluate them at fixed weights take them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.codegen.buffers import PointBuffers, PointTiling, aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import BoundKernel, Kernel
from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import ArgumentValue, buffer
from pipeline.engines.cpu.codegen.simd import BITS, FloatDtype
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.models.shallow import Shallow


@final
class EvaluationContext:
    """Points in the layout of kernels, and the place of each weight in its rows.

    Args:
        context: Networks of one shape.
        inputs_PD: Points, shape ``[P, D]``.
        targets_PK: Targets, shape ``[P, K]``.
        dtype: Of the arithmetic.
    """

    def __init__(self, context: PackContext, inputs_PD: Tensor, targets_PK: Tensor, dtype: FloatDtype) -> None:
        assert isinstance(context.model, Shallow)
        self.lanes, self.width = REGISTER_BITS // BITS[dtype], context.width
        inputs_DP, targets_KP = (rows.mT.numpy().astype(dtype, order="C") for rows in (inputs_PD, targets_PK))
        self.network = NetworkSpec(len(inputs_DP), len(targets_KP), context.model.activation, context.loss, dtype)
        self.row, self.num_points = round_up(self.width, self.lanes), len(inputs_PD)
        self.size = self.network.size(self.width, self.lanes)
        self.tiling = PointTiling(self.num_points, self.lanes, inputs_DP.dtype)
        self.stride = len(self.tiling.point_weights_P)
        self.points = PointBuffers(inputs_DP, targets_KP, self.stride)
        self.places_N = self.network.places(self.width, self.lanes)
        self.arguments: dict[str, ArgumentValue] = {
            "num_weights": len(self.places_N),
            "places": buffer(self.places_N),
            "width": self.width,
            "row": self.row,
            "size": self.size,
            "all_inputs": buffer(self.points.filled[0]),
            "all_targets": buffer(self.points.filled[1]),
            **self.tiling.arguments("all"),
        }
        self._bound: dict[Kernel, BoundKernel] = {}

    def run(
        self, kernel: Kernel, weights_TN: Tensor, sizes: dict[str, int], arguments: Mapping[str, ArgumentValue]
    ) -> None:
        """Run a kernel for all trials, on this thread, in memory of its own, so that several threads may do so at once.

        Args:
            kernel: Which reads weights and writes results.
            weights_TN: Shape ``[T, N]``, contiguous, in the dtype of the arithmetic.
            sizes: Numbers in each array that the kernel works in, by the names of its parameters; zeros at first.
            arguments: Its other arguments.
        """
        sizes = {"own_weights": self.size, **sizes}
        # Not kept from call to call: diagnostics are computed on several threads, each on trials of its own.
        scratch = aligned_zeros(sum(sizes.values()), self.network.dtype)
        starts = itertools.accumulate(sizes.values(), initial=0)
        own = {name: scratch[start:] for name, start in zip(sizes, starts, strict=False)}
        if kernel not in self._bound:
            self._bound[kernel] = kernel.bind(self.arguments)
        given = {**own, **arguments, "weights": weights_TN, "num_trials": len(weights_TN)}
        self._bound[kernel].bind_all(given)()


def of_training_points(context: PackContext) -> EvaluationContext:
    """The training points, in float64, whatever networks are trained in."""
    return EvaluationContext(context, context.dataset.train_inputs_PD, context.dataset.train_targets_PK, "float64")


def of_test_points(context: PackContext) -> EvaluationContext:
    """The held-out points, in the dtype of the training."""
    dtype: FloatDtype = "float32" if context.dtype == torch.float32 else "float64"
    return EvaluationContext(context, context.dataset.test_inputs_PD, context.dataset.test_targets_PK, dtype)
