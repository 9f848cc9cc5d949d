"""Every diagnostic of the trials of a pack at one step, a few trials at a time on every core."""

from __future__ import annotations

import ctypes
import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.engines.threads import CORES, worker_pool
from pipeline.experiment.resources import OBSERVED_BYTES, observed_bytes_of_trial
from pipeline.training.module import NEVER, PackModule, initial_weights_of

MOST_LANES = 8
"""Cores that look at chunks of one pack: all of them share the memory for observing, so more would have tiny chunks."""

TRIMMED_BYTES = 1 << 20
"""Memory of observing one trial from which on it is given back at once; below, taking it again costs more than it."""

UNTRIMMED_SLICES = 16
"""Slices of smaller trials after which it is given back nevertheless: what is kept in pieces grows with the slices."""


class Seen(NamedTuple):
    """One diagnostic at one step: the places of the trials in their pack, and the numbers."""

    step: int
    diagnostic: str
    positions_T: np.ndarray
    values_T: np.ndarray


def observe(module: PackModule, diagnostics: Sequence[Diagnostic], *, at_first: bool) -> list[Seen]:
    """Compute diagnostics of the trials that are alive; those found out of bounds are marked as diverged.

    Args:
        module: The pack, where it is now.
        diagnostics: What to compute.
        at_first: Whether this is the first recorded step, where what no step changes is seen once.
    """
    shape, step = module.pack.shape, int(module.steps_done)
    trials = module.alive
    losses_T, gradient_TN = module.engine.value_and_gradient(module.weights.detach()[trials])
    module.mark_diverged(trials, losses_T, step)
    stays = module.diverged_at[trials] == NEVER
    trials, losses_T, gradient_TN = trials[stays], losses_T[stays], gradient_TN[stays]
    due = [
        diagnostic
        for diagnostic in diagnostics
        if diagnostic.applies(shape.model, shape.loss, shape.optimizer)
        and (at_first or not diagnostic.constant(shape.model, shape.loss))
    ]
    lanes = min(CORES, MOST_LANES) if trials.device.type == "cpu" else 1
    chunk = max(1, OBSERVED_BYTES // lanes // observed_bytes_of_trial(shape))

    def look(number: int, part: slice) -> list[Seen]:
        snapshot = _snapshot(module, step, trials[part], losses_T[part], gradient_TN[part])
        positions_T = trials[part].cpu().numpy()
        seen = [Seen(step, one.name(), positions_T, one(snapshot).double().cpu().numpy()) for one in due]
        if observed_bytes_of_trial(shape) > TRIMMED_BYTES or number % UNTRIMMED_SLICES == UNTRIMMED_SLICES - 1:
            return_freed_memory()
        return seen

    parts = list(_parts(len(trials), chunk, lanes))
    if len(parts) == 1:
        return look(0, parts[0])
    with worker_pool(lanes) as pool:
        return [seen for of_part in pool.map(look, itertools.count(), parts) for seen in of_part]


def _parts(num_trials: int, most: int, lanes: int) -> Iterator[slice]:
    """Slices of at most so many trials, about equally large, for every lane as many where there are trials enough.

    A few trials that would not fill a quarter of a slice are one: starting threads takes longer than looking at them.
    """
    number = -(-num_trials // most)
    if 4 * num_trials >= most:
        number = min(num_trials, -(-number // lanes) * lanes)
    bounds = [num_trials * place // max(1, number) for place in range(number + 1)]
    return map(slice, bounds[:-1], bounds[1:])


def _snapshot(module: PackModule, step: int, trials: Tensor, losses_T: Tensor, gradient_TN: Tensor) -> Snapshot:
    weights_TN = module.weights.detach()[trials]
    rates_T = module.learning_rates_T.to(trials.device)[trials]
    observed = [module.pack.trials[position] for position in trials.tolist()]
    start = functools.partial(initial_weights_of, observed, weights_TN.dtype)
    return Snapshot(module.context, step, weights_TN, losses_T, gradient_TN, rates_T, start, module.engine.shortcuts)


def return_freed_memory() -> None:
    """Give freed memory back to the system, where the C library can.

    Without it a pack of 2000 networks of width 2000, observed in chunks of 16 MiB, was seen to grow the
    process by 0.6 to 2.6 GiB: the allocator keeps pieces that the next chunk does not fit into.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
