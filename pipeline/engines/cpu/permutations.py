"""Random permutations of the points in many epochs of many trials, by a kernel."""

from __future__ import annotations

import functools

import numpy as np

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.kernels.fisher_yates import permutation_program
from pipeline.engines.minibatches import permutation_stream_name
from pipeline.numerics.randomness import key


@functools.cache
def permutation_kernel() -> Kernel:
    """The compiled shuffle, of any number of points."""
    return Kernel(permutation_program())


def permutations(trial_ids: tuple[str, ...], epochs: range, num_points: int, kept: int) -> np.ndarray:
    """The points that batches are taken from: the first ``kept`` of the permutation of each trial in each epoch.

    Several threads may call it at the same time; a permutation depends on nothing but its trial, epoch and number of
    points, and is numpy's bit for bit.

    Args:
        trial_ids: T ids.
        epochs: Numbers of epochs, E of them.
        num_points: P.
        kept: Points of an epoch that batches take, at most P.

    Returns:
        Shape ``[T, E * kept]``, int64: the epochs of a trial one after another.
    """
    drawn = b"".join(key(*permutation_stream_name(trial_id, epoch)) for trial_id in trial_ids for epoch in epochs)
    keys = np.frombuffer(drawn, np.uint64)
    num_permutations = len(trial_ids) * len(epochs)
    # The kernel shuffles all points where the first are to stay; the last permutation needs room for the rest, too.
    found = np.empty(num_permutations * kept + num_points - kept, np.int64)
    permutation_kernel()(
        {
            "keys": keys,
            "permutations": found,
            "num_points": num_points,
            "kept": kept,
            "mask": (1 << (num_points - 1).bit_length()) - 1,
            "num_permutations": num_permutations,
        }
    )
    return found[: num_permutations * kept].reshape(len(trial_ids), len(epochs) * kept)
