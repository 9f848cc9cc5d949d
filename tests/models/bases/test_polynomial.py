"""Polynomials are those of numpy, and approximate as well as theory says."""

import itertools
import math

import numpy as np
import pytest
import torch

from pipeline.models.bases.polynomial import Chebyshev, Legendre, Monomial

FUNCTIONS = {"|x|": torch.abs, "sign(x)": torch.sign}

LINE = np.linspace(-1, 1, 401)
DEGREES = np.arange(33)


def test_legendre_is_that_of_numpy_times_the_root_of_2n_plus_1() -> None:
    expected = np.polynomial.legendre.legvander(LINE, 32) * np.sqrt(2 * DEGREES + 1)
    # The recurrence is stable on [-1, 1]: 32 steps of rounding, times the root of 65.
    np.testing.assert_allclose(Legendre()(torch.from_numpy(LINE), 33).numpy(), expected, rtol=0, atol=1e-13)


def test_chebyshev_is_that_of_numpy_and_the_cosine_of_n_angles() -> None:
    values = Chebyshev()(torch.from_numpy(LINE), 33).numpy()
    np.testing.assert_allclose(values, np.polynomial.chebyshev.chebvander(LINE, 32), rtol=0, atol=1e-13)
    # The recurrence multiplies a rounding of x by n^2 near the ends: 1000 units in the last place.
    np.testing.assert_allclose(values, np.cos(DEGREES * np.arccos(LINE)[:, None]), rtol=0, atol=1000 * 2.3e-16)


def test_monomial_is_the_vandermonde_matrix() -> None:
    values = Monomial()(torch.from_numpy(LINE), 33).numpy()
    # numpy multiplies 32 times.
    np.testing.assert_allclose(values, np.vander(LINE, 33, increasing=True), rtol=32 * 2.3e-16, atol=0)


def test_values_at_the_ends_are_known() -> None:
    ends = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    signs = np.stack([(-1.0) ** DEGREES, np.ones(33)])
    np.testing.assert_array_equal(Monomial()(ends, 33).numpy(), signs)
    np.testing.assert_array_equal(Chebyshev()(ends, 33).numpy(), signs)
    np.testing.assert_allclose(Legendre()(ends, 33).numpy(), signs * np.sqrt(2 * DEGREES + 1), rtol=1e-14)


@pytest.mark.reference("legendre_best_L2sq_*")
def test_best_polynomials_miss_by_what_theory_says(reference, quadrature) -> None:
    points, weights = quadrature(cells=4, nodes=110)  # exact to degree 219, more than twice 100
    root = weights.sqrt()[:, None]
    features = root * Legendre()(points, reference["inputs"]["degree"] + 1)
    target = root * FUNCTIONS[reference["inputs"]["f"]](points)[:, None]
    missed = target - features @ torch.linalg.lstsq(features, target).solution
    integral = 2 * float(missed.square().sum())
    assert integral == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.reference("runge_chebyshev_rate")
def test_interpolation_of_runges_function_gains_by_every_degree_what_its_poles_allow(reference) -> None:
    line, errors = torch.linspace(-1, 1, 4001, dtype=torch.float64), []
    for width in (41, 61):  # odd, so that a node stands at 0
        nodes = torch.cos(torch.pi * (torch.arange(width, dtype=torch.float64) + 0.5) / width)
        weights = torch.linalg.solve(Chebyshev()(nodes, width), 1 / (1 + 25 * nodes**2))
        errors.append(float((Chebyshev()(line, width) @ weights - 1 / (1 + 25 * line**2)).abs().max()))
    assert (errors[1] / errors[0]) ** (1 / 20) == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


def largest_error_of_the_best_even_polynomial(degree: int) -> float:
    """The least largest distance of an even polynomial to |x| on [-1, 1], by Remez's exchange.

    The best of ``k + 1`` even terms misses by the same, with changing sign, at ``k + 2`` points of [0, 1], both ends
    among them.
    """
    num_points = degree // 2 + 2
    angles = torch.linspace(0, math.pi / 2, 400 * num_points, dtype=torch.float64)
    line, spacing = cosines(angles), float(angles[1])
    features = Chebyshev()(line, degree + 1)[:, ::2]
    signs = (-1.0) ** torch.arange(num_points, dtype=torch.float64)[:, None]
    points = cosines(torch.linspace(0, math.pi / 2, num_points, dtype=torch.float64))
    for _ in range(6):  # twice as many digits by each
        system = torch.cat([Chebyshev()(points, degree + 1)[:, ::2], signs], dim=1)
        solution = torch.linalg.solve(system, points)
        error = line - features @ solution[:-1]
        before, here, after = error[:-2], error[1:-1], error[2:]
        turns = (here - before) * (after - here) <= 0
        top = angles[1:-1] + spacing * (before - after) / (before - 2 * here + after) / 2  # of a parabola
        points = cosines(torch.cat([angles[:1], top[turns], angles[-1:]]))
        assert len(points) == num_points
    return abs(float(solution[-1]))


def cosines(angles: torch.Tensor) -> torch.Tensor:
    """From 1 down to 0 exactly, where the kink is."""
    return torch.cat([angles[:-1].cos(), angles.new_zeros(1)])


@pytest.mark.reference("bernstein_constant")
def test_best_polynomials_of_a_kink_miss_by_bernsteins_constant_over_their_degree(reference) -> None:
    """Degree times error is a series in the inverse square of the degree; each column removes a term of it."""
    column = [degree * largest_error_of_the_best_even_polynomial(degree) for degree in (4, 8, 16, 32, 64)]
    for order in range(1, 5):
        column = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in itertools.pairwise(column)]
    assert column[0] == pytest.approx(reference["value"], abs=reference["tolerance"]["abs"])
