"""A rate comes with an interval that holds the true one as often as it says, or with the reason why there is none."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.numerics.randomness import stream
from pipeline.numerics.rates import Rate, Verdict, fit_rate, fit_rates, verdict

WIDTHS = [2.0**power for power in range(1, 11)]


def power_law(rate: float, floor: float = 0.0, constant: float = 1.0) -> np.ndarray:
    return np.sqrt((constant * np.array(WIDTHS) ** -rate) ** 2 + floor**2)


def noisy(errors_W: np.ndarray, num_seeds: int, noise: float, name: str = "noise") -> Tensor:
    """Errors ``[S, W]`` off by a normal factor."""
    return torch.from_numpy(errors_W * np.exp(noise * stream(name).standard_normal((num_seeds, len(errors_W)))))


def cosine_errors(floor: float = 0.0) -> Tensor:
    """L2 errors of x on [0, pi] in the cosines to frequency m; exact, they fall like m^-3/2 in the end."""
    odd = np.arange(1, 2_000_001, 2, dtype=np.float64)
    squares = 8 / np.pi * np.array([(odd[odd > width] ** -4).sum() for width in WIDTHS])
    return torch.from_numpy(np.sqrt(squares + floor**2))[None]


# --- calibration ---

NUM_DRAWS = 1000
SYNTHETIC = {
    # seeds, known floor, where the floor meets the law, factor of the errors below width 8
    "one seed": (1, 0.0, math.inf, 1.0),
    "two seeds": (2, 0.0, math.inf, 1.0),
    "three seeds": (3, 0.0, math.inf, 1.0),
    "five seeds": (5, 0.0, math.inf, 1.0),
    "ten seeds": (10, 0.0, math.inf, 1.0),
    "a floor to be fitted": (5, None, 128.0, 1.0),
    "no floor though one is fitted": (5, None, math.inf, 1.0),
    "a start that is off the law": (5, 0.0, math.inf, 0.5),
}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_interval_of_ninety_percent_holds_the_true_rate_as_often(name: str) -> None:
    """Over 1,000 curves of other rates, from 1/2 to 4, and other noise, from 3 % to 30 %."""
    num_seeds, floor, turn, factor = SYNTHETIC[name]
    rng = stream("calibration", name)
    true_C11 = rng.uniform(0.5, 4, (NUM_DRAWS, 1, 1))
    noise_C11 = 0.03 * 10 ** rng.uniform(0, 1, (NUM_DRAWS, 1, 1))
    widths_W = np.array(WIDTHS)
    squares_C1W = widths_W ** (-2 * true_C11) + (turn ** (-2 * true_C11) if turn < math.inf else 0.0)
    start_W = np.where(widths_W < 8, factor, 1.0)
    scatter_CSW = noise_C11 * rng.standard_normal((NUM_DRAWS, num_seeds, len(WIDTHS)))
    rates = fit_rates(WIDTHS, torch.from_numpy(np.sqrt(squares_C1W) * start_W * np.exp(scatter_CSW)), floor)
    known = [(rate, true) for rate, true in zip(rates, true_C11.ravel(), strict=True) if not rate.refused]
    assert len(known) > 0.95 * NUM_DRAWS
    covered = np.mean([rate.low <= true <= rate.high for rate, true in known])
    assert 0.85 <= covered <= 0.95


def test_wider_confidence_is_a_wider_interval() -> None:
    errors = noisy(power_law(1.0), 5, 0.2)
    intervals = [fit_rate(WIDTHS, errors, 0.0, confidence) for confidence in (0.5, 0.9, 0.99)]
    lengths = [rate.high - rate.low for rate in intervals]
    assert lengths == sorted(lengths)
    assert lengths[0] < 0.6 * lengths[2]


# --- what is measured ---


@pytest.mark.parametrize("floor", [0.0, None])
def test_exact_errors_of_cosines_give_the_rate_of_theory_though_they_only_come_near_it(floor: float | None) -> None:
    found = fit_rate(WIDTHS, cosine_errors(), floor)
    assert found.rate == pytest.approx(1.5, abs=2e-4)
    assert found.low < 1.5 < found.high < 1.502
    assert verdict(found, 1.5) is Verdict.CONSISTENT


def test_with_a_floor_that_is_fitted_the_rate_is_still_known() -> None:
    found = fit_rate(WIDTHS, cosine_errors(floor=1e-3))
    assert found.floor == pytest.approx(1e-3, rel=0.01)
    assert found.rate == pytest.approx(1.5, abs=0.03)
    assert found.low < 1.5 < found.high


def test_a_floor_taken_for_a_part_of_the_law_makes_it_look_shallow() -> None:
    assert verdict(fit_rate(WIDTHS, cosine_errors(floor=1e-3), 0.0), 1.5) is Verdict.SHALLOWER


def test_a_known_floor_is_taken_out_and_what_lies_next_to_it_left_out() -> None:
    floor = 256**-1.5 / 10
    found = fit_rate(WIDTHS, torch.from_numpy(power_law(1.5, floor))[None], floor)
    assert found.rate == pytest.approx(1.5, rel=1e-9)
    assert (found.floor, found.last_width) == (floor, 256.0)


def test_local_slopes_are_logarithms_of_ratios() -> None:
    found = fit_rate([1, 2, 4, 8, 32], torch.tensor([[8.0, 4.0, 1.0, 1.0, 0.25]]), 0.0)
    assert found.local_slopes == pytest.approx((1.0, 2.0, 0.0, 1.0), abs=1e-12)


def test_start_that_is_off_the_law_is_dropped() -> None:
    errors = power_law(2.0) * np.where(np.array(WIDTHS) < 16, 0.3, 1.0)
    found = fit_rate(WIDTHS, noisy(errors, 5, 0.02), 0.0)
    assert found.first_width >= 16
    assert found.rate == pytest.approx(2, abs=0.03)
    assert found.constant == pytest.approx(1, abs=0.1)


def test_median_of_the_seeds_counts_not_the_mean() -> None:
    errors = noisy(power_law(1.0), 5, 0.0)
    errors[0] *= torch.tensor([1.0, 1e3] * 5)
    found = fit_rate(WIDTHS, errors, 0.0)
    assert found.rate == pytest.approx(1, rel=1e-9)


def test_rate_knows_neither_units_nor_the_order_of_seeds() -> None:
    errors = noisy(power_law(1.3), 5, 0.2)
    found = fit_rate(WIDTHS, errors, 0.0)
    other = fit_rate(WIDTHS, 100 * errors.flip(0), 0.0)
    assert (other.rate, other.low, other.high) == pytest.approx((found.rate, found.low, found.high), rel=1e-9)
    assert other.constant == pytest.approx(100 * found.constant, rel=1e-9)


def test_curve_among_others_is_that_curve_alone() -> None:
    curves = torch.stack([noisy(power_law(rate), 4, 0.1, str(rate)) for rate in (0.5, 1.0, 3.0)])
    curves[1, :, 6:] = torch.nan
    together = fit_rates(WIDTHS, curves)
    for one, curve in zip(together, curves, strict=True):
        alone = fit_rate(WIDTHS, curve)
        assert (one.refused, one.first_width) == (alone.refused, alone.first_width)
        assert (one.rate, one.low, one.high) == pytest.approx((alone.rate, alone.low, alone.high), rel=1e-9)


def test_diverged_seeds_count_as_infinite() -> None:
    errors = noisy(power_law(1.0), 5, 0.0)
    errors[:2, 5] = torch.nan  # the median is still one of the others
    assert fit_rate(WIDTHS, errors, 0.0).rate == pytest.approx(1, rel=1e-9)
    errors[:3, 9] = torch.inf
    found = fit_rate(WIDTHS, errors, 0.0)
    assert found.last_width == 512
    assert found.rate == pytest.approx(1, rel=1e-9)


# --- what is refused, as a result ---


@pytest.mark.parametrize(
    ("widths", "errors", "floor", "reason"),
    [
        (WIDTHS[:4], power_law(1.0)[:4], 0.0, "4 of 4 widths have a finite error above the floor; a rate needs 5"),
        (
            [8.0, 10.0, 12.0, 14.0, 16.0, 18.0],
            np.array([8.0, 10.0, 12.0, 14.0, 16.0, 18.0]) ** -1,
            0.0,
            "the errors above the floor, of widths 8 to 18, span less than a decade",
        ),
        (WIDTHS, power_law(1.0), 0.02, "2 of 10 widths have a finite error above the floor; a rate needs 5"),
        (WIDTHS, np.full(10, np.nan), 0.0, "0 of 10 widths have a finite error above the floor; a rate needs 5"),
        (WIDTHS, np.full(10, np.nan), None, "0 of 10 widths have a finite error above the floor; a rate needs 5"),
        (WIDTHS, np.zeros(10), None, "0 of 10 widths have a finite error above the floor; a rate needs 5"),
        (WIDTHS, power_law(2.0, 12**-2.0), None, "3 of 10 widths have a finite error above the floor; a rate needs 5"),
    ],
)
@pytest.mark.parametrize("num_seeds", [1, 2, 5])
def test_too_few_points_are_a_result_without_a_rate_and_with_the_reason(
    widths: list[float], errors: np.ndarray, floor: float | None, reason: str, num_seeds: int
) -> None:
    found = fit_rate(widths, torch.from_numpy(errors).expand(num_seeds, -1), floor)
    assert found.refused == reason
    assert all(math.isnan(value) for value in (found.rate, found.low, found.high, found.constant, found.first_width))
    assert verdict(found, 1.0) is Verdict.CANNOT_SAY


# --- verdicts ---


def measured(low: float, high: float) -> Rate:
    return Rate((low + high) / 2, low, high, 1.0, 0.0, 2.0, 64.0, ())


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.9, 1.1, "consistent"),
        (1.0, 1.1, "consistent"),
        (1.1, 1.3, "steeper than the bound"),
        (0.5, 0.9, "shallower: check optimiser, floor, window"),
    ],
)
def test_verdict_against_a_bound_is_one_sided(low: float, high: float, said: str) -> None:
    assert verdict(measured(low, high), 1.0).value == said


# --- what cannot be ---

ONES = torch.ones(1, 3, dtype=torch.float64)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: fit_rate([1, 2], ONES), "2 widths for errors of 3\n  hint: give one width a column"),
        (lambda: fit_rate([1, 2, 2], ONES), "widths [1, 2, 2] do not increase from above 0\n  hint: sort them, each"),
        (lambda: fit_rate([0, 1, 2], ONES), "widths [0, 1, 2] do not increase from above 0\n  hint: sort them, each"),
        (lambda: fit_rate([1, 2, 3], ONES[:0]), "there are no seeds\n  hint: give the errors of one at least"),
        (lambda: fit_rate([1, 2, 3], -ONES), "an error is negative\n  hint: give errors, not their logarithms"),
        (lambda: fit_rate([1, 2, 3], ONES, -1.0), "floor -1.0 is no error\n  hint: take a number from 0, or None"),
        (lambda: fit_rate([1, 2, 3], ONES, None, 90), "confidence 90 is not between 0 and 1\n  hint: take a number"),
    ],
)
def test_impossible_question_is_one_clear_message(ask: Callable, message: str) -> None:
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        ask()
