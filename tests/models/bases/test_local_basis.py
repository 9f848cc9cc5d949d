"""Local functions are splines and bumps at equally spaced places, and hats stay well conditioned."""

import math
import re

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipyBSpline
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline, GaussianBump, Hat, LocalBasis
from pipeline.models.bases.ridge import Ridge
from pipeline.numerics.spectra import singular_values

LINE = torch.linspace(-1, 1, 1001, dtype=torch.float64)


@pytest.fixture(params=[kind for kind in BASES.values() if issubclass(kind, LocalBasis)], ids=lambda kind: kind.name())
def basis(request: pytest.FixtureRequest) -> LocalBasis:
    return request.param()


def gram_condition_number(features_PW: Tensor, weights_P: Tensor) -> float:
    """Of the matrix of means of products, by singular values, which keep all digits."""
    values = singular_values((weights_P.sqrt()[:, None] * features_PW)[None])[0]
    return float(values[0] / values[-1]) ** 2


@pytest.mark.parametrize("width", [2, 3, 9, 30])
def test_hats_interpolate_linearly(width: int) -> None:
    knots = np.linspace(-1, 1, width)
    expected = np.stack([np.interp(LINE.numpy(), knots, row) for row in np.eye(width)], axis=1)
    np.testing.assert_allclose(Hat()(LINE, width).numpy(), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("width", [1, 2, 3, 9, 30])
def test_splines_of_degree_one_are_the_hats(width: int) -> None:
    torch.testing.assert_close(BSpline(degree=1)(LINE, width), Hat()(LINE, width), rtol=0, atol=1e-14)
    assert torch.equal(BSpline(degree=1).support(width), Hat().support(width))


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("width", [1, 2, 4, 7, 20])
def test_splines_are_those_of_scipy(degree: int, width: int) -> None:
    basis, points = BSpline(degree), LINE[:-1]  # at the right end scipy needs a knot beyond
    order = min(degree, width - 1)
    expected = ScipyBSpline.design_matrix(points.numpy(), basis.knots(width).numpy(), order).toarray()
    np.testing.assert_allclose(basis(points, width).numpy(), expected, rtol=0, atol=1e-14)
    assert basis(LINE[-1:], width).tolist() == [[0.0] * (width - 1) + [1.0]]


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_splines_hold_the_polynomials_of_their_degree(degree: int) -> None:
    features, powers = BSpline(degree)(LINE, 12), LINE[:, None] ** torch.arange(degree + 1)
    weights = torch.linalg.lstsq(features, powers).solution
    torch.testing.assert_close(features @ weights, powers, rtol=0, atol=1e-13)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_splines_have_one_continuous_derivative_less_than_their_degree(degree: int) -> None:
    """Across the knots the difference of that order over its spacing is continuous; one more jumps."""
    width, step = 8, 2.0**-10
    for order, continuous in ((degree - 1, True), (degree, False)):
        knot = torch.linspace(-1, 1, width - degree + 1, dtype=torch.float64)[1:-1]
        left = torch.stack([BSpline(degree)(knot - (k + 1) * step, width) for k in range(order + 1)])
        right = torch.stack([BSpline(degree)(knot + k * step, width) for k in range(order + 1)])
        signs = torch.tensor([(-1.0) ** k * math.comb(order, k) for k in range(order + 1)], dtype=torch.float64)
        slopes = [torch.tensordot(signs, values, 1) / step**order for values in (left, right)]
        jump = float((slopes[1] * (-1) ** order - slopes[0]).abs().max() / slopes[0].abs().max())
        assert jump < 0.1 if continuous else jump > 0.5


@pytest.mark.reference("kappa_hat_mass_matrix_m*")
def test_condition_number_of_hats_is_the_known_one_and_below_four(reference, number, quadrature) -> None:
    points, weights = quadrature(cells=number, nodes=2)
    found = gram_condition_number(Hat()(points, number + 1), weights)
    assert found == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])
    assert found < 4


@pytest.mark.parametrize("width", range(2, 40, 3))
def test_condition_number_of_hats_is_below_four_at_every_width(width: int, quadrature) -> None:
    points, weights = quadrature(cells=width - 1, nodes=2)
    assert gram_condition_number(Hat()(points, width), weights) < 4


@pytest.mark.reference("kappa_relu_mass_matrix_m*")
def test_ridges_of_the_same_functions_are_as_badly_conditioned_as_theory_says(reference, number, quadrature) -> None:
    points, weights = quadrature(cells=number, nodes=2)
    found = gram_condition_number(Ridge()(points, number + 1)[:, 1:], weights)
    assert found == pytest.approx(reference["value"], rel=reference["tolerance"]["rel"])


@pytest.mark.parametrize("overlap", [0.5, 1.0, 2.0])
def test_bumps_are_normal_curves_about_equally_spaced_places(overlap: float) -> None:
    values, width = GaussianBump(overlap)(LINE, 11), 11
    for column, centre in enumerate(np.linspace(-1, 1, width)):
        away = (LINE.numpy() - centre) / (overlap * 2 / (width - 1))
        np.testing.assert_allclose(values[:, column].numpy(), np.exp(-(away**2) / 2), rtol=0, atol=1e-14)
    assert float(GaussianBump(overlap)(torch.ones(1).double(), 1)) == pytest.approx(math.exp(-1 / (8 * overlap**2)))


@pytest.mark.parametrize("overlap", [0.5, 1.0])
def test_sum_of_many_bumps_waves_by_what_poisson_summation_says(overlap: float) -> None:
    middle = LINE[LINE.abs() < 0.2]
    total = GaussianBump(overlap)(middle, 101).sum(dim=1) / (overlap * math.sqrt(2 * math.pi))
    ripple = 2 * math.exp(-2 * (math.pi * overlap) ** 2)
    assert float((total - 1).abs().max()) == pytest.approx(ripple, rel=1e-3)


@pytest.mark.parametrize("num_inputs", [2, 3])
def test_features_of_several_inputs_are_all_products_of_a_mesh(basis: LocalBasis, num_inputs: int) -> None:
    points = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (20, num_inputs)))
    lines = [basis(points[:, axis], 4) for axis in range(num_inputs)]
    expected = lines[0]
    for line in lines[1:]:
        expected = (expected[:, :, None] * line[:, None]).flatten(1)
    found = basis.features(points, 4**num_inputs)
    order = [
        sum(i * 4**place for place, i in enumerate(reversed(index)))
        for index in basis.indices(4**num_inputs, num_inputs, "full")
    ]
    assert sorted(order) == list(range(4**num_inputs))
    torch.testing.assert_close(found, expected[:, order], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(("width", "num_inputs", "hint"), [(5, 2, "4 or 9"), (63, 3, "27 or 64"), (2, 10, "1 or 1024")])
def test_width_that_fills_no_mesh_is_refused(basis: LocalBasis, width: int, num_inputs: int, hint: str) -> None:
    message = f"{width} products of {basis.name()} do not fill a mesh in {num_inputs} dimensions\n  hint: take {hint}"
    points = torch.zeros(1, num_inputs, dtype=torch.float64)
    for refused in (lambda: basis.check(width, num_inputs, (-1.0, 1.0)), lambda: basis.features(points, width)):
        with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
            refused()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BSpline(degree=-1), "degree: degree -1 is negative\n  hint: take an integer from 0"),
        (
            lambda: GaussianBump(overlap=0.0),
            "overlap: overlap 0.0 is not positive\n  hint: take a number above 0, such as 1",
        ),
    ],
)
def test_field_that_cannot_be_is_refused(make, message: str) -> None:
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        make()


def test_local_bases_say_that_they_are_not_nested(basis: Basis) -> None:
    assert not basis.nested
    assert basis.domain == (-1.0, 1.0)
