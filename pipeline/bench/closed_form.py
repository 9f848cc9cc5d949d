"""The closed form of descent on a linear model beside the loops over steps that it replaces.

Timed as in ``timings.py``: the ways take turns, in another order each repetition, so that a
busy machine slows all of them; a figure is the median of its repetitions.

Shape letters: R learning rates.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
import torch

from pipeline.numerics.descent import displacement_and_velocity, loss_curve, modal_decomposition, modes
from pipeline.numerics.threads import threads_of_operation

REPETITIONS = 5
SECONDS_OF_REPETITION = 0.25
SECONDS_TO_SETTLE = 0.3
"""Pause before each repetition, as for packs."""


@dataclass(frozen=True)
class Sweep:
    """Learning rates on one linear model under the square loss, and the steps at which its loss is wanted."""

    features_PF: torch.Tensor
    targets_P: torch.Tensor
    learning_rates_R: torch.Tensor
    steps: tuple[int, ...]


def closed_form_sweep(
    num_points: int = 1000, width: int = 32, num_rates: int = 128, num_steps: int = 60, last: int = 2000
) -> Sweep:
    """Random features in float64, rates up to the limit, steps evenly spaced in the logarithm."""
    rng = np.random.default_rng(0)
    features_PF = torch.from_numpy(rng.standard_normal((num_points, width)))
    limit = 2 * num_points / torch.linalg.matrix_norm(features_PF, 2).square()
    rates_R = limit * torch.logspace(-3, 0, num_rates + 1, dtype=torch.float64)[:-1]
    spaced = ({*np.geomspace(1, last, number).round().astype(int).tolist()} for number in itertools.count(num_steps))
    steps = next(steps for steps in spaced if len(steps) >= num_steps)  # small ones fall together
    return Sweep(features_PF, torch.from_numpy(rng.standard_normal(num_points)), rates_R, tuple(sorted(steps)))


def losses_in_closed_form(sweep: Sweep) -> torch.Tensor:
    """The loss of every rate at every wanted step, ``[R, H]``, from one decomposition."""
    split = modes(sweep.features_PF, -sweep.targets_P[:, None])
    return loss_curve(split, sweep.learning_rates_R, torch.tensor(sweep.steps))


def losses_through_weights(sweep: Sweep) -> torch.Tensor:
    """The same from the weights in closed form, as the engine has them: two products of matrices a wanted step."""
    num_points, losses = len(sweep.features_PF), []
    split, _, directions_SF = modal_decomposition(sweep.features_PF, -sweep.targets_P[:, None])
    gradient_S = directions_SF @ (sweep.features_PF.mT @ -sweep.targets_P) / num_points
    for step in sweep.steps:
        distance_RS, _ = displacement_and_velocity(split.eigenvalues_S, sweep.learning_rates_R, step)
        weights_RF = (-sweep.learning_rates_R[:, None] * distance_RS * gradient_S) @ directions_SF
        residuals_RP = weights_RF @ sweep.features_PF.mT - sweep.targets_P
        losses.append(residuals_RP.square().sum(dim=1) / (2 * num_points))
    return torch.stack(losses, dim=1)


def losses_of_stack(sweep: Sweep) -> torch.Tensor:
    """The same by a loop over steps that moves the weights of all rates at once."""
    weights_RF = torch.zeros(len(sweep.learning_rates_R), sweep.features_PF.shape[1], dtype=torch.float64)
    rates_R1, num_points, losses = sweep.learning_rates_R[:, None], len(sweep.features_PF), []
    wanted = frozenset(sweep.steps)
    for step in range(sweep.steps[-1] + 1):
        residuals_RP = weights_RF @ sweep.features_PF.mT - sweep.targets_P
        if step in wanted:
            losses.append(residuals_RP.square().sum(dim=1) / (2 * num_points))
        weights_RF -= rates_R1 * (residuals_RP @ sweep.features_PF) / num_points
    return torch.stack(losses, dim=1)


def losses_one_by_one(sweep: Sweep) -> torch.Tensor:
    """The same by a loop over steps for one rate after another."""
    alone = [dataclasses.replace(sweep, learning_rates_R=rate_1) for rate_1 in sweep.learning_rates_R.split(1)]
    return torch.cat([losses_of_one(one) for one in alone])


def losses_of_one(sweep: Sweep) -> torch.Tensor:
    """The loop of a single rate as one writes it: two products of a matrix and a vector a step."""
    features_PF, targets_P, num_points = sweep.features_PF, sweep.targets_P, len(sweep.features_PF)
    rate, wanted, losses = float(sweep.learning_rates_R), frozenset(sweep.steps), []
    weights_F = torch.zeros(features_PF.shape[1], dtype=torch.float64)
    for step in range(sweep.steps[-1] + 1):
        residuals_P = features_PF @ weights_F - targets_P
        if step in wanted:
            losses.append(residuals_P @ residuals_P / (2 * num_points))
        weights_F -= rate * (features_PF.mT @ residuals_P) / num_points
    return torch.stack(losses)[None]


METHODS: dict[str, Callable[[Sweep], torch.Tensor]] = {
    "closed form": losses_in_closed_form,
    "closed form, through the weights": losses_through_weights,
    "loop, all rates stacked": losses_of_stack,
    "loop, one rate at a time": losses_one_by_one,
}
"""How the losses of a sweep may be had."""


def measure_closed_form(sweep: Sweep, say: Callable[[str], None]) -> pl.DataFrame:
    """One row per way of having the losses of a sweep, on one core: its time, and how much faster the first is."""
    num_rates, width = len(sweep.learning_rates_R), sweep.features_PF.shape[1]
    what = f"{num_rates} rates x {len(sweep.steps)} of {sweep.steps[-1]} steps, {len(sweep.features_PF)} x {width}"
    say(f"closed form: {what}")
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    losses_in_closed_form(sweep)  # the first call loads what later ones have
    for repetition in range(REPETITIONS):
        turn = list(METHODS.items())
        random.Random(repetition).shuffle(turn)
        for name, way in turn:
            time.sleep(SECONDS_TO_SETTLE)
            with threads_of_operation(1):
                seconds[name].append(seconds_of_call(functools.partial(way, sweep)))
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return pl.DataFrame(
        {
            "sweep": what,
            "way": name,
            "milliseconds": 1000 * median,
            "spread": (max(seconds[name]) - min(seconds[name])) / median,
            "closed form is faster by": median / medians["closed form"],
        }
        for name, median in medians.items()
    )


def seconds_of_call(call: Callable[[], object]) -> float:
    """The mean over as many calls as fill a repetition, at least one."""
    started, calls, elapsed = time.perf_counter(), 0, 0.0
    while elapsed < SECONDS_OF_REPETITION:
        call()
        calls, elapsed = calls + 1, time.perf_counter() - started
    return elapsed / calls
