"""Exponential decay is distinguished from powers of the width, with its exponent."""

import math

import numpy as np
import pytest
import torch

from pipeline.numerics.exponential_decay import exponential_decay
from pipeline.numerics.randomness import stream

WIDTHS = torch.tensor([2.0, 4.0, 8.0, 16.0, 32.0, 64.0], dtype=torch.float64)
ALL = torch.ones(1, 6, dtype=torch.bool)


def found(log_errors_W: torch.Tensor, used_CW: torch.Tensor = ALL) -> float:
    return float(exponential_decay(WIDTHS, log_errors_W[None], used_CW))


@pytest.mark.parametrize("power", [0.0, 1.5, -0.5])
@pytest.mark.parametrize("gamma", [0.1, 1.0])
def test_exponent_is_found_beside_a_power(power: float, gamma: float) -> None:
    assert found(-power * WIDTHS.log() - gamma * WIDTHS) == pytest.approx(gamma, rel=1e-9)


def test_faster_than_exponential_is_exponential_too() -> None:
    assert found(-WIDTHS * WIDTHS.log()) > 1


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("shift", [-1.0, 0.0, 2.0])
def test_powers_are_none_with_a_correction_too(power: float, shift: float) -> None:
    assert math.isnan(found(-power * (WIDTHS + shift).log()))


def test_noisy_powers_are_taken_for_an_exponential_less_than_once_in_a_thousand() -> None:
    rng = stream("noisy powers")
    slope_C1, noise_C1 = rng.uniform(0.5, 4, (4000, 1)), 0.02 * 10 ** rng.uniform(0, 0.8, (4000, 1))
    logs_CW = torch.from_numpy(-slope_C1 * np.log(WIDTHS.numpy()) + noise_C1 * rng.standard_normal((4000, 6)))
    assert int(exponential_decay(WIDTHS, logs_CW, ALL.expand(4000, -1)).isfinite().sum()) < 4


def test_nothing_is_said_of_three_errors_or_of_a_fall_below_a_decade() -> None:
    three = ALL.clone()
    three[0, 3:] = False
    assert math.isnan(found(-WIDTHS, three))
    assert math.isnan(found(-WIDTHS / 64))
    assert math.isnan(found(torch.zeros(6, dtype=torch.float64), ~ALL))


def test_errors_that_are_not_used_do_not_matter() -> None:
    used = ALL.clone()
    used[0, 1] = False
    logs = -0.3 * WIDTHS
    logs[1] = math.inf
    assert found(logs, used) == pytest.approx(0.3, rel=1e-9)
