"""The compiled training kernels of a kernel spec, each compiled once in a process, and the spec of a model."""

from __future__ import annotations

import functools

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import FloatDtype
from pipeline.engines.cpu.kernels.linear import LinearSpec
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.training import chunk_program, gradient_program, training_program, update_program
from pipeline.engines.cpu.kernels.training_step import KernelSpec
from pipeline.models.linear import LinearModel
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.losses import Loss

LARGE_STEP = 20_000_000
"""Operations of a full batch from which on several cores may share one trial: 0.2 ms of work on one core."""

CHUNKS = 4
"""Chunks of a full batch that is large, on however many cores; each costs one more adding up of sums over lanes."""


@functools.cache
def training_kernel(spec: KernelSpec, rule: UpdateRule, *, minibatches: bool) -> Kernel:
    """The kernel that makes updates of some trials from their first step to their last.

    Args:
        spec: Model, loss and dtype.
        rule: The update rule.
        minibatches: Whether each update takes a batch of its own.

    Returns:
        The compiled kernel, the same for equal arguments.
    """
    return Kernel(training_program(spec, rule, minibatches=minibatches))


@functools.cache
def gradient_kernel(spec: KernelSpec) -> Kernel:
    """The kernel of losses and gradients on all points."""
    return Kernel(gradient_program(spec))


@functools.cache
def chunk_kernel(spec: KernelSpec) -> Kernel:
    """The kernel of the gradient on one chunk of the points."""
    return Kernel(chunk_program(spec))


@functools.cache
def update_kernel(spec: KernelSpec, rule: UpdateRule) -> Kernel:
    """The kernel of one update from the gradients of all chunks."""
    return Kernel(update_program(spec, rule))


def most_chunks(spec: KernelSpec, width: int, num_points: int, batch_size: int | None) -> int:
    """How many chunks the points come in: a function of the shape alone, so that numbers do not depend on the cores.

    Args:
        spec: The kernel spec.
        width: W.
        num_points: P.
        batch_size: B, or ``None`` for all points.

    Returns:
        ``CHUNKS`` for full batches of at least ``LARGE_STEP`` operations, else 1.
    """
    is_large = num_points * spec.operations(width) >= LARGE_STEP
    return CHUNKS if is_large and batch_size is None else 1


def kernel_spec(model: Model, loss: Loss, num_inputs: int, num_outputs: int, dtype: FloatDtype) -> KernelSpec:
    """The spec of the kernels of a model.

    Args:
        model: The model.
        loss: Its loss.
        num_inputs: D.
        num_outputs: K.
        dtype: Of the arithmetic.

    Returns:
        A spec that compares equal for equal arguments, by which compiled kernels are cached.

    Raises:
        TypeError: For a model that has no kernels.
    """
    match model:
        case Shallow():
            return NetworkSpec(num_inputs, num_outputs, model.activation, loss, dtype)
        case LinearModel():
            return LinearSpec(num_outputs, loss, dtype)
    raise TypeError(f"no kernels for {model.name()}")


def grouped(spec: KernelSpec, batch_size: int | None) -> KernelSpec:
    """The spec for updates of many trials together; trials with minibatches have no points in common to load once."""
    return spec if batch_size is not None else spec.grouped
