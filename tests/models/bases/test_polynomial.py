"""Polynomials are those of numpy, and approximate as well as theory says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.models.bases.polynomial import Chebyshev, Legendre, Monomial

VALUES = json.loads((Path(__file__).parents[2] / "reference_values.json").read_text())["values"]
LEGENDRE = [value for value in VALUES if value["name"].startswith("legendre_best_L2sq")]
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


@pytest.mark.parametrize("reference", LEGENDRE, ids=lambda reference: reference["name"])
def test_best_polynomials_miss_by_what_theory_says(reference, quadrature) -> None:
    points, weights = quadrature(cells=4, nodes=110)  # exact to degree 219, more than twice 100
    root = weights.sqrt()[:, None]
    features = root * Legendre()(points, reference["inputs"]["degree"] + 1)
    target = root * FUNCTIONS[reference["inputs"]["f"]](points)[:, None]
    missed = target - features @ torch.linalg.lstsq(features, target).solution
    integral = 2 * float(missed.square().sum())
    assert integral == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


def test_interpolation_of_runges_function_gains_by_every_degree_what_its_poles_allow() -> None:
    [reference] = [value for value in VALUES if value["name"] == "runge_chebyshev_rate"]
    line, errors = torch.linspace(-1, 1, 4001, dtype=torch.float64), []
    for width in (41, 61):  # odd, so that a node stands at 0
        nodes = torch.cos(torch.pi * (torch.arange(width, dtype=torch.float64) + 0.5) / width)
        weights = torch.linalg.solve(Chebyshev()(nodes, width), 1 / (1 + 25 * nodes**2))
        errors.append(float((Chebyshev()(line, width) @ weights - 1 / (1 + 25 * line**2)).abs().max()))
    assert (errors[1] / errors[0]) ** (1 / 20) == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
