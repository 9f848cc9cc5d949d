"""Values of every diagnostic for the trials of a pack at one step, computed a few trials at a time on every core."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.errors import PipelineError
from pipeline.experiment.initial_weights import initial_weights_of
from pipeline.experiment.recording import is_due
from pipeline.experiment.resources import OBSERVED_BYTES, observed_bytes_of_trial
from pipeline.extensions.places import place_of
from pipeline.numerics.threads import CORES, on_cores
from pipeline.training.heap import trim_heap
from pipeline.training.module import NEVER, PackModule

MOST_THREADS = 8
"""Threads that compute diagnostics of one pack: they share the memory for it, so more would have tiny chunks."""

TRIMMED_BYTES = 1 << 20
"""Memory of one trial's diagnostics from which on it is returned at once; below, taking it again costs more."""

UNTRIMMED_CHUNKS = 256
"""Chunks of smaller trials after which it is returned nevertheless, should any diagnostic keep something."""


class DiagnosticValues(NamedTuple):
    """Values of one diagnostic at one step.

    Args:
        step: Updates done.
        diagnostic: Its name.
        positions_T: Positions of the trials in their pack, shape ``[T]``.
        values_T: Shape ``[T]``, float64.
    """

    step: int
    diagnostic: str
    positions_T: np.ndarray
    values_T: np.ndarray


def evaluate_diagnostics(
    module: PackModule, diagnostics: Sequence[Diagnostic], *, at_first: bool, at_last: bool
) -> list[DiagnosticValues]:
    """Evaluate diagnostics of the trials that have not diverged; those found out of bounds are marked as diverged.

    Args:
        module: The pack, at the step where it is now.
        diagnostics: What to compute, where it applies.
        at_first: Whether this is the first recorded step, where also what no step changes is computed.
        at_last: Whether this is the last recorded step.

    Returns:
        Values of each diagnostic.
    """
    shape, step = module.pack.shape, int(module.steps_done)
    trials = module.alive
    losses_T, gradient_TN = module.engine.value_and_gradient(module.weights.detach()[trials])
    module.mark_diverged(trials, losses_T, step)
    within = module.diverged_at[trials] == NEVER
    trials, losses_T, gradient_TN = trials[within], losses_T[within], gradient_TN[within]
    due = [one for one in diagnostics if is_due(one, shape, at_first=at_first, at_last=at_last)]
    threads = min(CORES, MOST_THREADS) if trials.device.type == "cpu" else 1
    bytes_of_trial = observed_bytes_of_trial(shape, by_kernels=module.engine.shortcuts.features is not None)
    most_trials = max(1, OBSERVED_BYTES // threads // bytes_of_trial)

    # What is kept has its memory before the chunks take theirs: small pieces between these would be in the way of the
    # next ones, and the memory of the process would grow with the number of chunks.
    positions_T, values_DT = trials.cpu().numpy(), np.empty((len(due), len(trials)))

    def evaluate(numbered: tuple[int, slice]) -> None:
        number, chunk = numbered
        snapshot = _snapshot(module, step, trials[chunk], losses_T[chunk], gradient_TN[chunk])
        for values_T, diagnostic in zip(values_DT, due, strict=True):
            values_T[chunk] = _checked(diagnostic(snapshot), diagnostic, chunk.stop - chunk.start)
        if bytes_of_trial > TRIMMED_BYTES or number % UNTRIMMED_CHUNKS == UNTRIMMED_CHUNKS - 1:
            trim_heap()

    # Starting on another core takes longer than the diagnostics of a few trials, but for eigenvalues of their Hessians.
    shared_from = most_trials // 4 if any(one.takes_top_of_hessian for one in due) else most_trials
    on_cores(evaluate, list(enumerate(_chunks(len(trials), most_trials, threads, shared_from))), most_threads=threads)
    return [
        DiagnosticValues(step, one.name(), positions_T, values_T) for one, values_T in zip(due, values_DT, strict=True)
    ]


def _checked(values_T: Tensor, diagnostic: Diagnostic, num_trials: int) -> np.ndarray:
    """The numbers of a diagnostic, one for each trial; NumPy would take a single one for all of them.

    Returns:
        Shape ``[T]``, float64.

    Raises:
        PipelineError: If there are more or fewer.
    """
    if values_T.shape != (num_trials,):
        what = f"{diagnostic.name()} gives the shape {list(values_T.shape)} for {num_trials} trials"
        raise PipelineError(what, where=place_of(type(diagnostic)), hint="return one number for each trial")
    return values_T.double().cpu().numpy()


def _chunks(num_trials: int, most_trials: int, threads: int, shared_from: int = 1) -> Iterator[slice]:
    """Slices of about equal size, as many for each thread where there are trials enough.

    Args:
        num_trials: Trials in all.
        most_trials: Trials of a slice at most.
        threads: Threads that work on the slices.
        shared_from: Trials from which on each thread gets some.

    Returns:
        The slices, which partition the trials.
    """
    number = -(-num_trials // most_trials)
    if num_trials >= shared_from:
        number = min(num_trials, -(-number // threads) * threads)
    bounds = [num_trials * position // max(1, number) for position in range(number + 1)]
    return map(slice, bounds[:-1], bounds[1:])


def _snapshot(module: PackModule, step: int, trials: Tensor, losses_T: Tensor, gradient_TN: Tensor) -> Snapshot:
    weights_TN = module.weights.detach()[trials]
    rates_T = module.learning_rates_T.to(trials.device)[trials]
    evaluated = [module.pack.trials[position] for position in trials.tolist()]
    start = functools.partial(initial_weights_of, evaluated, weights_TN.dtype)
    return Snapshot(module.context, step, weights_TN, losses_T, gradient_TN, rates_T, start, module.engine.shortcuts)
