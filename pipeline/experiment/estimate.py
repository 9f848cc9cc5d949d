"""How much memory a trial of a pack takes while it trains."""

from __future__ import annotations

from pipeline.experiment.trial import Shape
from pipeline.optimizers.rules import UpdateRule

WORKSPACE_BYTES = 1 << 20
"""Size of the chunk of a pack that an engine works on at a time, so that it stays in cache."""


def bytes_of_trial(shape: Shape) -> int:
    """Bytes that one more trial adds to a pack, for the largest thing a pack holds per trial.

    Weights, gradient, the optimizer's memory and the copy of a checkpoint; and at a
    recorded step the weights, feature matrices and held-out outputs in float64, with the copy that a
    decomposition works on. A test measures it against the process.
    """
    problem = shape.problem
    element = 4 if shape.dtype == "float32" else 8
    slots = shape.optimizer.slots if isinstance(shape.optimizer, UpdateRule) else 0
    training = shape.num_weights * element * (3 + 2 * slots)
    outputs = problem.num_outputs * (problem.train + problem.test) * 8
    if shape.model.linear:
        observed = 2 * shape.num_weights * 8 + 2 * outputs
    else:
        features = (shape.width + 1) * max(3 * problem.train, 2 * problem.test) * 8
        observed = 2 * shape.num_weights * 8 + 2 * outputs + features
    return training + observed


def bytes_of_pack(shape: Shape, num_trials: int) -> int:
    """Bytes that a pack of so many trials adds to the process, the shared points included."""
    problem = shape.problem
    points = (problem.train + problem.test) * (problem.num_inputs + problem.num_outputs) * 8
    prepared = shape.width * (problem.train + problem.test) * 8 if shape.model.linear else points
    return num_trials * bytes_of_trial(shape) + 2 * (points + prepared) + WORKSPACE_BYTES
