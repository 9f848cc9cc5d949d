"""Cosines and Fourier series are their formulas, and approximate as well as theory says."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.models.bases.basis import Basis
from pipeline.models.bases.trigonometric import Cosine, Fourier

LINE = torch.linspace(-1, 1, 401, dtype=torch.float64)


def mean_square_missed(basis: Basis, width: int, target_P: Tensor, points_P: Tensor, weights_P: Tensor) -> float:
    root_P1 = weights_P.sqrt()[:, None]
    features_PW = root_P1 * basis(points_P, width)
    target_P1 = root_P1 * target_P[:, None]
    missed_P1 = target_P1 - features_PW @ torch.linalg.lstsq(features_PW, target_P1).solution
    return float(missed_P1.square().sum())


def test_cosines_are_their_formula() -> None:
    values = Cosine()(LINE, 33)
    for k in range(1, 33):
        for x, value in zip(LINE.tolist()[::10], values[::10, k].tolist(), strict=True):
            # An argument up to 32 pi is rounded to 1e-14.
            assert value == pytest.approx(math.sqrt(2) * math.cos(math.pi * k * (x + 1) / 2), abs=1e-13)


def test_fourier_series_is_its_formula() -> None:
    values = Fourier()(LINE, 33)
    for k in range(1, 17):
        for x, (cosine, sine) in zip(LINE.tolist()[::10], values[::10, 2 * k - 1 : 2 * k + 1].tolist(), strict=True):
            assert cosine == pytest.approx(math.sqrt(2) * math.cos(math.pi * k * x), abs=1e-13)
            assert sine == pytest.approx(math.sqrt(2) * math.sin(math.pi * k * x), abs=1e-13)


def test_fourier_series_has_period_two() -> None:
    ends = Fourier()(torch.tensor([-1.0, 1.0], dtype=torch.float64), 33)
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-13)


@pytest.mark.reference("cos_best_meansq_absx_pm1_K*")
def test_best_cosines_of_a_kink_miss_by_what_theory_says(reference, number, quadrature) -> None:
    """Cosines of whole periods are every second one; the others are odd, and the kink at 0 is even."""
    points, weights = quadrature()
    missed = mean_square_missed(Cosine(), 2 * number + 1, points.abs(), points, weights)
    assert missed == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("cos_best_meansq_absx_pm1_K*")
def test_fourier_series_of_a_kink_misses_as_much_as_the_cosines(reference, number, quadrature) -> None:
    points, weights = quadrature()
    missed = mean_square_missed(Fourier(), 2 * number + 1, points.abs(), points, weights)
    assert missed == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("cos_best_L2sq_x_on_0pi_K*")
def test_best_cosines_of_a_line_miss_by_what_theory_says(reference, number, quadrature) -> None:
    points, weights = quadrature()
    angle = math.pi * (points + 1) / 2
    missed = mean_square_missed(Cosine(), number + 1, angle, points, weights)
    assert missed == pytest.approx(reference["inputs"]["mean_square"], rel=reference["tolerance"]["rel"])
    assert math.pi * missed == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("fourier_best_L2sq_x_pm1_K*")
def test_best_fourier_series_of_a_line_misses_by_what_theory_says(reference, number, quadrature) -> None:
    """The line jumps in its periodic extension, so that the error falls slowly."""
    points, weights = quadrature()
    missed = mean_square_missed(Fourier(), 2 * number + 1, points, points, weights)
    assert 2 * missed == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
