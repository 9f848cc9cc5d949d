"""Predicted steps are the first of the loop at which the loss is low enough, whatever the momentum."""

import math

import pytest
import torch

from pipeline.numerics.descent import Modes
from pipeline.numerics.steps_to_tolerance import steps_to_tolerance

EIGENVALUES = torch.tensor([1.0, 0.3, 0.02, 1e-3], dtype=torch.float64)
LOSSES = torch.tensor([0.5, 0.3, 0.15, 0.05], dtype=torch.float64)
MODES = Modes(EIGENVALUES, LOSSES, torch.tensor(0.7, dtype=torch.float64))


def looped(rate: float, tolerance: float, momentum: float, nesterov: bool, last: int) -> float:
    """The first step of the recurrence itself, or infinity."""
    error, velocity = [1.0] * 4, [0.0] * 4
    for step in range(last):
        if sum(loss * part**2 for loss, part in zip(LOSSES.tolist(), error, strict=True)) <= tolerance:
            return step
        for mode, eigenvalue in enumerate(EIGENVALUES.tolist()):
            gradient = eigenvalue * error[mode]
            velocity[mode] = momentum * velocity[mode] + gradient
            error[mode] -= rate * (gradient + momentum * velocity[mode] if nesterov else velocity[mode])
    return math.inf


@pytest.mark.parametrize("nesterov", [False, True], ids=["heavy ball", "Nesterov"])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99, 0.999, 0.9995])
@pytest.mark.parametrize("tolerance", [0.2, 1e-2, 1e-3])
def test_steps_are_the_first_of_the_loop(nesterov: bool, momentum: float, tolerance: float) -> None:
    """With momentum 0.999 the loss swings for ten thousand steps, and dips below the target long before it stays."""
    rates = torch.tensor([0.5, 0.03], dtype=torch.float64)
    found = steps_to_tolerance(MODES, rates, tolerance, momentum, nesterov).tolist()
    assert found == [looped(rate, tolerance, momentum, nesterov, 70_000) for rate in rates.tolist()]


def test_equal_and_unsorted_rates_have_their_own_answers() -> None:
    rates = torch.tensor([0.5, 0.03, 0.5, 9.0], dtype=torch.float64)
    found = steps_to_tolerance(MODES, rates, 0.01, 0.9)
    assert found[0] == found[2] != found[1]
    assert found[3] == math.inf


def test_modes_that_hold_nothing_neither_grow_nor_swing() -> None:
    empty = Modes(torch.tensor([1e6, 1.0]).double(), torch.tensor([0.0, 1.0]).double(), torch.tensor(0.0).double())
    assert steps_to_tolerance(empty, torch.tensor([0.5]).double(), 0.25).tolist() == [1.0]
    nothing = Modes(empty.eigenvalues_S, torch.zeros(2).double(), empty.floor)
    assert steps_to_tolerance(nothing, torch.tensor([0.5]).double(), 0.25, 0.9).tolist() == [0.0]


def test_what_swings_for_too_long_is_not_known() -> None:
    found = steps_to_tolerance(MODES, torch.tensor([1e-9]).double(), 1e-30, 1 - 1e-9)
    assert math.isnan(found) or math.isinf(found)
    slow = steps_to_tolerance(MODES, torch.tensor([1e-6]).double(), 1e-6, 0.0)
    assert 1e9 < float(slow) < 1e11
