"""Weights of trials at step 0, which can be drawn again from the id of a trial at any time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.experiment.trial import Trial
from pipeline.numerics.randomness import stream


def initial_weights(trial: Trial) -> np.ndarray:
    """Weights of a trial at step 0, drawn from the stream that its id names.

    Args:
        trial: The trial.

    Returns:
        Shape ``[N]``, float64.
    """
    shape = trial.shape
    rng = stream(trial.id, "initial weights")
    return shape.model.initial_weights(shape.width, shape.problem.num_inputs, shape.problem.num_outputs, rng)


def initial_weights_of(trials: Sequence[Trial], dtype: torch.dtype) -> Tensor:
    """Weights of trials of one shape at step 0; never all of them in float64 beside the stack.

    Args:
        trials: One at least.
        dtype: Of the stack.

    Returns:
        Shape ``[T, N]``.
    """
    weights_TN = torch.empty(len(trials), trials[0].shape.num_weights, dtype=dtype)
    for weights_N, trial in zip(weights_TN, trials, strict=True):
        weights_N.copy_(torch.from_numpy(initial_weights(trial)))
    return weights_TN
