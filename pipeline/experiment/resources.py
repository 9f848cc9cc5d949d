"""Resources that packs require: bytes of memory, and floating-point operations."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable

from pipeline.definitions import canonical
from pipeline.experiment.engine_names import CLOSED_FORM, fastest
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Shape
from pipeline.experiment.workload import MemoryFootprint, ResourceRequirements
from pipeline.models.greedy import Greedy
from pipeline.optimizers.solvers import ProblemSize, Solver

CHUNK_BYTES = {"cpu": 2 << 20, "cuda": 1 << 29}
"""Size of one of the two buffers of the chunk that an engine works on at a time.

On a CPU both stay in cache (measured at 256 x 2 x 64: 13 us a trial-step in chunks of
2 MiB, 18 us in 0.5 MiB); on a GPU there is one launch for as many trials as possible.
"""

OBSERVED_BYTES = 16 << 20
"""Memory that the diagnostics of one recorded step may take at a time."""


ALLOCATOR_FACTOR = 4
"""Memory that work in chunks takes of the system, per byte that a chunk needs: copies, and what is freed but kept."""


def elements_of_chunk(device_type: str, element_bytes: int) -> int:
    """Numbers in one buffer of a chunk.

    Args:
        device_type: ``cpu`` or ``cuda``, as PyTorch calls it.
        element_bytes: Bytes of a number.

    Returns:
        How many numbers fit.
    """
    return CHUNK_BYTES.get(device_type, CHUNK_BYTES["cuda"]) // element_bytes


def bytes_of_trial(shape: Shape) -> int:
    """Bytes that one more trial adds to a pack.

    Weights and optimizer memory are there once, and once more in what is updated when
    some trials have diverged; one more copy is a gradient or what a checkpoint is
    writing. What is larger, buffers over the points and feature matrices, is worked through in
    chunks of a fixed size. A test measures the estimate against a process.

    Returns:
        Bytes, at the precision in which the shape is stored.
    """
    element = 4 if shape.stored == "float32" else 8
    remembered = sum(shape.optimizer.memory(shape.num_weights))
    return element * (3 * shape.num_weights + 2 * remembered)


def observed_bytes_of_trial(shape: Shape, *, by_kernels: bool = False) -> int:
    """Bytes that the diagnostics of one trial take at a recorded step.

    Of every model the outputs at the test points. Of a linear one also two copies of its weights, of a network the
    feature matrix of P times W + 1 with its singular value decomposition, and the hidden units at the test points.
    Kernels keep neither these nor copies of a matrix that they decompose.

    Args:
        shape: What the trials of a pack have in common.
        by_kernels: Whether an engine computes features, their singular values and outputs of networks by kernels.

    Returns:
        Bytes, without the copies that ``ALLOCATOR_FACTOR`` stands for.
    """
    problem = shape.problem
    outputs = 4 * problem.num_outputs * problem.test * 8
    if shape.model.linear:
        return outputs + 2 * shape.num_weights * 8
    if by_kernels:
        return outputs + (shape.width + 1) * 3 * problem.train * 8 + 2 * shape.num_weights * 8
    element = 4 if shape.stored == "float32" else 8
    return outputs + (shape.width + 1) * max(4 * problem.train * 8, 3 * problem.test * element)


def memory_of(shape: Shape) -> MemoryFootprint:
    """Memory footprint of packs of a shape, as a function of their number of trials."""
    problem = shape.problem
    columns = shape.width if shape.model.linear else problem.num_inputs + 1
    if isinstance(shape.model, Greedy):
        columns = shape.model.size_for(shape.width)
    points = (problem.train + problem.test) * (problem.num_inputs + problem.num_outputs + 3 * columns) * 8
    observed = observed_bytes_of_trial(shape)
    return MemoryFootprint(
        shared=points + ALLOCATOR_FACTOR * (2 * CHUNK_BYTES["cpu"] + bytes_of_iteration(shape)),
        trial=bytes_of_trial(shape),
        observed=ALLOCATOR_FACTOR * observed,
        most_observed=ALLOCATOR_FACTOR * (OBSERVED_BYTES + observed),
    )


def bytes_of_pack(shape: Shape, num_trials: int) -> int:
    """Bytes that training a pack adds to the process, the points that its trials share included.

    Args:
        shape: What its trials have in common.
        num_trials: T, its trials.

    Returns:
        Bytes.
    """
    return memory_of(shape).of(num_trials)


def operations_of_step(shape: Shape) -> int:
    """Floating-point operations of one update of one trial: forward and backward, or the iteration of a solver."""
    size = size_of(shape)
    return shape.optimizer.operations(size) if isinstance(shape.optimizer, Solver) else size.evaluation


def size_of(shape: Shape) -> ProblemSize:
    """Dimensions of one update of one trial: points P, weights N, outputs K, and the operations of a gradient."""
    problem = shape.problem
    num_points = shape.batch_size or problem.train
    return ProblemSize.of(shape.model, shape.width, problem.num_inputs, problem.num_outputs, num_points)


def bytes_of_iteration(shape: Shape) -> int:
    """Bytes of the largest tensors that the iteration of a solver makes of one trial; 0 for what is no solver."""
    return 8 * shape.optimizer.elements(size_of(shape)) if isinstance(shape.optimizer, Solver) else 0


def requirements_of(shapes: Iterable[Shape], experiment: Experiment) -> dict[Shape, ResourceRequirements]:
    """Resource requirements of the packs of each shape of an experiment."""
    observed = [canonical(diagnostic) for diagnostic in experiment.diagnostics]
    how = [observed, canonical(experiment.parallel), experiment.accelerator]

    def kind(shape: Shape) -> str:
        engine = fastest(shape) if experiment.engine == "auto" else experiment.engine
        counts = engine == CLOSED_FORM  # which takes as long for any number of steps: nothing can be said for each
        seedless = dataclasses.replace(shape, problem=shape.problem.with_seed(0), model=shape.model.with_seed(0))
        content = {name: value for name, value in canonical(seedless).items() if name != "steps" or counts}
        return hashlib.sha256(json.dumps([content, *how, engine], sort_keys=True).encode()).hexdigest()[:24]

    return {
        shape: ResourceRequirements(
            kind(shape), shape.model.label(), shape.steps, operations_of_step(shape), memory_of(shape)
        )
        for shape in dict.fromkeys(shapes)
    }
