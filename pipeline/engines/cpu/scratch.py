"""Working memory of one core."""

from __future__ import annotations

import itertools

from pipeline.engines.cpu.codegen.buffers import aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import BoundKernel, Kernel
from pipeline.engines.cpu.codegen.signature import buffer
from pipeline.engines.cpu.kernels.training_step import KernelSpec


class Scratch:
    """Working memory of one core, cut into the arrays that kernels name, and the kernels that are bound to it.

    Args:
        spec: The kernel spec.
        width: W.
        lanes: Lanes of a register.
        slots: Tensors that the update rule remembers.
        batch: Points of a minibatch, filled up to full registers; 0 for full batches.
        chunks: Chunks of all points.
    """

    def __init__(self, spec: KernelSpec, width: int, lanes: int, slots: int, batch: int, chunks: int) -> None:
        size = spec.together * spec.size(width, lanes)
        sizes = {
            "own_weights": size,
            "own_gradient": chunks * size,
            **{f"own_slot_{number}": size for number in range(slots)},
            "chunk_losses": round_up(chunks * spec.together, lanes),
            "output_sums": (spec.num_outputs + spec.together) * lanes,
            "batch_targets": spec.num_outputs * batch,
            **spec.buffer_sizes(width, lanes, batch),
        }
        self.memory = aligned_zeros(sum(sizes.values()), spec.dtype)
        ends = itertools.accumulate(sizes.values())
        self.arrays = {name: self.memory[end - sizes[name] : end] for name, end in zip(sizes, ends, strict=True)}
        self.arguments = {name: buffer(array) for name, array in self.arrays.items()}
        self.bound: dict[Kernel, BoundKernel] = {}
