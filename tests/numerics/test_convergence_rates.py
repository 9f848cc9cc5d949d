"""A rate comes with an interval that holds the true one as often as it says, or with the reason why there is none."""

import functools
import itertools
import math
import re
from collections.abc import Callable, Set

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline, Hat
from pipeline.models.bases.polynomial import Legendre
from pipeline.models.bases.trigonometric import Cosine, Fourier
from pipeline.models.bases.wavelet import Haar
from pipeline.numerics.convergence_rates import Rate, Verdict, fit_rate, fit_rates, verdict
from pipeline.numerics.randomness import stream
from pipeline.problems.targets import (
    AbsoluteValue,
    ChebyshevPolynomial,
    Gaussian,
    OnePlusPower,
    Runge,
    Sine,
    Step,
    Target,
    XSquared,
)

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
    # seeds, known floor, where the floor meets the power law, factor of the errors below width 8, k of a factor 1 + k/m
    "one seed": (1, 0.0, math.inf, 1.0, 0.0),
    "two seeds": (2, 0.0, math.inf, 1.0, 0.0),
    "three seeds": (3, 0.0, math.inf, 1.0, 0.0),
    "five seeds": (5, 0.0, math.inf, 1.0, 0.0),
    "ten seeds": (10, 0.0, math.inf, 1.0, 0.0),
    "a floor to be fitted": (5, None, 128.0, 1.0, 0.0),
    "no floor though one is fitted": (5, None, math.inf, 1.0, 0.0),
    "a start that is off the power law": (5, 0.0, math.inf, 0.5, 0.0),
    "errors that only come near a power law": (5, 0.0, math.inf, 1.0, 2.0),
    "the same of two seeds": (2, 0.0, math.inf, 1.0, 2.0),
    "the same of one seed": (1, 0.0, math.inf, 1.0, 2.0),
}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_interval_of_ninety_percent_holds_the_true_rate_as_often(name: str) -> None:
    """Over 1,000 curves of other rates, from 1/2 to 4, and other noise, from 3 % to 30 %."""
    num_seeds, floor, turn, factor, correction = SYNTHETIC[name]
    rng = stream("calibration", name)
    true_C11 = rng.uniform(0.5, 4, (NUM_DRAWS, 1, 1))
    noise_C11 = 0.03 * 10 ** rng.uniform(0, 1, (NUM_DRAWS, 1, 1))
    widths_W = np.array(WIDTHS)
    squares_C1W = widths_W ** (-2 * true_C11) + (turn ** (-2 * true_C11) if turn < math.inf else 0.0)
    start_W = np.where(widths_W < 8, factor, 1.0) * (1 + correction / widths_W)
    scatter_CSW = noise_C11 * rng.standard_normal((NUM_DRAWS, num_seeds, len(WIDTHS)))
    rates = fit_rates(WIDTHS, torch.from_numpy(np.sqrt(squares_C1W) * start_W * np.exp(scatter_CSW)), floor)
    known = [(rate, true) for rate, true in zip(rates, true_C11.ravel(), strict=True) if not rate.refused]
    assert len(known) > 0.95 * NUM_DRAWS
    covered = np.mean([rate.low <= true <= rate.high for rate, true in known])
    assert 0.85 <= covered <= 0.95


@pytest.mark.parametrize("widths", [WIDTHS, WIDTHS[:6]], ids=["to 1024", "to 64"])
def test_what_is_missing_at_every_width_is_in_the_interval_though_the_noise_is_smaller(widths: list[float]) -> None:
    """m^-1 (1 + 2/m) of five seeds with noise of 0.3 % to 3 %, where a fit without correction covers 0 to 46 %."""
    rng = stream("a correction", len(widths))
    noise_C11 = 0.003 * 10 ** rng.uniform(0, 1, (NUM_DRAWS, 1, 1))
    widths_W = np.array(widths)
    errors_CRW = (1 + 2 / widths_W) / widths_W * np.exp(noise_C11 * rng.standard_normal((NUM_DRAWS, 5, len(widths))))
    rates = fit_rates(widths, torch.from_numpy(errors_CRW), 0.0)
    assert not any(rate.refused for rate in rates)
    assert np.mean([rate.low <= 1 <= rate.high for rate in rates]) >= 0.85
    plain = fit_rates(widths, torch.from_numpy(errors_CRW), 0.0, corrected=False)
    assert np.mean([rate.low <= 1 <= rate.high for rate in plain]) < 0.5


# --- exact best errors of the shipped targets and bases ---

GRIDS = [
    [2, 4, 8, 16, 32],
    [2, 4, 8, 16, 32, 64],
    [8, 16, 32, 64, 128],
    [3, 5, 9, 17, 33, 65],
    [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64],
    [*range(2, 33)],
]
ROUNDING = 1e-13
GAUSS = np.polynomial.legendre.leggauss(12)


TARGETS = (
    AbsoluteValue(), Step(), Step(0.3), Sine(1.0), Sine(), Sine(2.5), Runge(), XSquared(), OnePlusPower(),
    OnePlusPower(1), Gaussian(), Gaussian(0.2), ChebyshevPolynomial(5),
)  # fmt: skip


@functools.cache
def best_errors(basis: Basis, width: int) -> dict[Target, float]:
    """Root mean squares that least squares leaves of each target."""
    alike: dict[frozenset[float], list[Target]] = {}
    for target in TARGETS:
        alike.setdefault(frozenset(target.breaks()), []).append(target)
    together = ((targets, errors_of(targets, basis, width, breaks)) for breaks, targets in alike.items())
    return {target: error for targets, errors in together for target, error in zip(targets, errors, strict=True)}


def errors_of(targets: list[Target], basis: Basis, width: int, breaks: Set[float]) -> list[float]:
    """Those of targets that break at the same places, on one quadrature that is split where they or the basis break."""
    breaks = {-1.0, 1.0, *breaks}
    if isinstance(basis, Haar):
        breaks |= {*np.linspace(-1, 1, 2 * 2 ** max(1, (width - 1).bit_length() - 1) + 1).tolist()}
    if isinstance(basis, Hat | BSpline):
        breaks |= {*(basis if isinstance(basis, BSpline) else BSpline(1)).knots(width).tolist()}
    ends = np.array(sorted(breaks))
    pieces = max(1, 48 // len(ends))
    edges = np.unique(np.linspace(ends[:-1], ends[1:], pieces + 1))
    node, weight = GAUSS
    half = np.diff(edges)[:, None] / 2
    points = (edges[:-1, None] + half + half * node).ravel()
    root = np.sqrt(half * weight / 2).ravel()
    features = basis(torch.from_numpy(points), width).numpy() * root[:, None]
    values = np.stack([target(points[:, None]) * root for target in targets], axis=1)
    return np.linalg.norm(values - features @ np.linalg.lstsq(features, values, rcond=None)[0], axis=0).tolist()


def true_rate(target: Target, basis: Basis) -> float:
    """How fast best errors fall in the end, from the smoothness of the target or of its extension, and the basis."""
    order = {"cosine": 1.5, "haar": 1.0, "hat": 2.0, "b_spline": 4.0}.get(basis.name(), math.inf)
    if isinstance(basis, Fourier):  # the periodic extension has a kink, or jumps where the target is not even
        ends = target(np.array([[-1.0], [1.0]]))
        order = 1.5 if ends[0] == pytest.approx(ends[1], abs=1e-9) else 0.5
    return min(target.smoothness, order)


PAIRS = [*itertools.product(TARGETS, (Legendre(), Cosine(), Fourier(), Haar(), Hat(), BSpline()))]


@functools.cache
def exact_fits() -> list[tuple[float, Rate]]:
    """The true rate, and what is found, of every curve of five errors above rounding."""
    curves: dict[tuple[int, ...], list[tuple[float, list[float]]]] = {}
    for (target, basis), grid in itertools.product(PAIRS, GRIDS):
        errors = {width: best_errors(basis, width)[target] for width in grid if width >= 4 or basis != BSpline()}
        above = {width: error for width, error in errors.items() if error > ROUNDING}
        if len(above) >= 5:
            curves.setdefault(tuple(above), []).append((true_rate(target, basis), [*above.values()]))
    fits = []
    for widths, together in curves.items():
        errors_C1W = torch.tensor([[errors] for _, errors in together], dtype=torch.float64)
        fitted = fit_rates(widths, errors_C1W, 0.0, exact=True)
        fits += [(true, rate) for (true, _), rate in zip(together, fitted, strict=True)]
    return fits


def test_interval_holds_the_rate_of_theory_of_exact_best_errors_as_often_as_it_says() -> None:
    powers = [(true, rate) for true, rate in exact_fits() if math.isfinite(true)]
    known = [(true, rate) for true, rate in powers if not rate.refused and not rate.decays]
    assert len(known) > 0.8 * len(powers) > 200
    assert 0.85 <= np.mean([rate.low <= true <= rate.high for true, rate in known]) <= 0.95
    assert np.median([rate.high - rate.low for _, rate in known]) < 0.5


def test_no_exact_best_error_is_called_shallower_than_its_own_rate() -> None:
    assert not any(verdict(rate, true) is Verdict.SHALLOWER for true, rate in exact_fits() if math.isfinite(true))


def test_best_errors_that_fall_exponentially_are_distinguished_from_powers() -> None:
    """Runge's function by cosines falls exponentially to width 32, where the kinks of its extension begin to show."""
    exponential = [rate for true, rate in exact_fits() if math.isinf(true)]
    assert len(exponential) > 10
    assert sum(rate.decays for rate in exponential) >= len(exponential) - 1
    assert not any(not rate.decays and not rate.refused for rate in exponential)
    wrong = [rate for true, rate in exact_fits() if math.isfinite(true) and rate.decays]
    assert [rate.last_width for rate in wrong] == [32.0]


def test_wider_confidence_is_a_wider_interval() -> None:
    errors = noisy(power_law(1.0), 5, 0.2)
    intervals = [fit_rate(WIDTHS, errors, 0.0, confidence) for confidence in (0.5, 0.9, 0.99)]
    lengths = [rate.high - rate.low for rate in intervals]
    assert lengths == sorted(lengths)
    assert lengths[0] < 0.6 * lengths[2]


# --- what is measured ---


@pytest.mark.parametrize("floor", [0.0, None])
def test_exact_errors_of_cosines_give_the_rate_of_theory_though_they_only_come_near_it(floor: float | None) -> None:
    found = fit_rate(WIDTHS, cosine_errors(), floor, exact=True)
    assert found.rate == pytest.approx(1.5, abs=2e-4)
    assert found.low < 1.5 < found.high < 1.502
    assert verdict(found, 1.5) is Verdict.CONSISTENT


def test_with_a_floor_that_is_fitted_the_rate_is_still_known() -> None:
    found = fit_rate(WIDTHS, cosine_errors(floor=1e-3), exact=True)
    assert found.floor == pytest.approx(1e-3, rel=0.01)
    assert found.rate == pytest.approx(1.5, abs=0.03)
    assert found.low < 1.5 < found.high


def test_a_floor_taken_for_a_part_of_the_power_law_makes_it_look_shallow() -> None:
    assert verdict(fit_rate(WIDTHS, cosine_errors(floor=1e-3), 0.0, exact=True), 1.5) is Verdict.SHALLOWER


def test_a_known_floor_is_taken_out_and_what_lies_next_to_it_left_out() -> None:
    floor = 256**-1.5 / 10
    found = fit_rate(WIDTHS, torch.from_numpy(power_law(1.5, floor))[None], floor)
    assert found.rate == pytest.approx(1.5, rel=1e-9)
    assert (found.floor, found.last_width) == (floor, 256.0)


def test_local_slopes_are_logarithms_of_ratios() -> None:
    found = fit_rate([1, 2, 4, 8, 32], torch.tensor([[8.0, 4.0, 1.0, 1.0, 0.25]]), 0.0)
    assert found.local_slopes == pytest.approx((1.0, 2.0, 0.0, 1.0), abs=1e-12)


def test_start_that_is_off_the_power_law_is_dropped() -> None:
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


def test_errors_that_fall_exponentially_have_a_decay_and_no_rate() -> None:
    errors = torch.from_numpy(np.exp(-0.3 * np.arange(2, 34, 4)))[None]
    found = fit_rate([*range(2, 34, 4)], errors, 0.0)
    assert found.decay == pytest.approx(0.3, rel=1e-6)
    assert (math.isnan(found.rate), found.refused, found.first_width, found.last_width) == (True, "", 2.0, 30.0)
    assert verdict(found, 1.0) is Verdict.EXPONENTIAL


def test_widths_that_leave_the_rate_open_are_said_to() -> None:
    errors = torch.tensor([[1.0, 0.9, 0.3, 0.29, 0.02]], dtype=torch.float64)
    found = fit_rate([2, 4, 8, 16, 32], errors, 0.0)
    assert re.fullmatch(r"these widths leave a rate between -?\d+\.\d and \d+\.\d", found.refused)
    assert verdict(found, 1.0) is Verdict.CANNOT_SAY


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
