"""The fused engine for smooth networks of one input under the square loss of all points: Chebyshev nodes for points.

Losses and gradients that are recorded are those of the points, by the kernels of the fused engine.

Shape letters: V levels, M nodes.
"""

from __future__ import annotations

import functools
from typing import ClassVar, final

import numpy as np
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.cpu.chebyshev_nodes import NodeLevels, node_levels
from pipeline.engines.cpu.codegen.buffers import aligned_zeros
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import ArgumentValue, buffer
from pipeline.engines.cpu.engine import Fused
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.node_step import NODE_REGISTERS, node_buffer_sizes, node_training
from pipeline.engines.cpu.training_kernels import gradient_kernel, kernel_spec
from pipeline.experiment.engine_names import CHEBYSHEV
from pipeline.experiment.trial import Shape
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import UpdateRule


@functools.cache
def node_kernel(spec: NetworkSpec, rule: UpdateRule) -> Kernel:
    """What makes updates."""
    return Kernel(node_training(spec, rule))


@final
class SmoothOneInput(Fused):
    """Networks of one input, tanh or sigmoid, the square loss of all points at every step."""

    name: ClassVar[str] = CHEBYSHEV

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        super().__init__(context, batch_size, device)
        assert isinstance(context.model, Shallow)
        points, dtype = self.points, self.spec.dtype
        multiple = NODE_REGISTERS * self.lanes
        activation = context.model.activation
        levels = node_levels(activation, points.inputs_AP[0], points.targets_KP, dtype, multiple)
        self.common |= _arguments(levels)
        sizes = node_buffer_sizes(context.width, context.num_outputs, levels.most_nodes)
        for scratch in self.scratch:
            scratch.arguments |= {name: buffer(aligned_zeros(size, dtype)) for name, size in sizes.items()}

    def _training_kernels(self) -> tuple[Kernel, Kernel]:
        assert isinstance(self.spec, NetworkSpec)
        return (node_kernel(self.spec, self.rule),) * 2

    @classmethod
    def compile_kernels(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        assert isinstance(shape.optimizer, UpdateRule)
        spec = kernel_spec(shape.model, shape.loss, 1, shape.problem.num_outputs, shape.stored)
        assert isinstance(spec, NetworkSpec)
        gradient_kernel(spec)
        node_kernel(spec, shape.optimizer)
        cls.compile_diagnostics(shape, top_of_hessian=top_of_hessian)

    def _divides_points(self, num_trials: int) -> bool:
        return False  # on nodes a step is too short to be shared


def _arguments(levels: NodeLevels) -> dict[str, ArgumentValue]:
    """Levels as arguments of a kernel; what a step on points has besides stands for nothing."""
    most = levels.most_nodes

    def filled(rows: np.ndarray, least: int) -> np.ndarray:
        """At least as many numbers as a kernel asks for, where there is no level."""
        return np.ascontiguousarray(rows.ravel() if rows.size else np.zeros(least, rows.dtype))

    outputs = levels.targets_VKM.shape[1]
    return {
        "num_levels": len(levels.counts_V),
        "node_counts": levels.counts_V,
        "node_slopes": levels.slopes_V,
        "node_constants": levels.constants_V,
        "node_stride": most,
        "node_inputs": filled(levels.inputs_VM, most),
        "node_targets": filled(levels.targets_VKM, outputs * most),
        "node_offsets": filled(levels.offsets_VKM, outputs * most),
        "node_grams": filled(levels.grams_VMM, most * most),
        "node_num_chunks": 1,
        "node_chunks": np.array([0, 1]),
        "node_wide_tiles": 0,
        "node_narrow_tiles": 0,
        "node_point_weights": np.zeros(most, levels.inputs_VM.dtype),
    }
