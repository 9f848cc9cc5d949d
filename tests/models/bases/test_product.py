"""Products over the inputs: complete sets of indices, prefixes, and the curse of dimension to the digit."""

import itertools
import math
from typing import get_args

import pytest
import torch

from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.product import Order, multi_indices
from pipeline.models.bases.trigonometric import Cosine
from pipeline.numerics.randomness import stream

CLAIMING = [kind() for kind in BASES.values() if kind.orthonormal_under is not None]
ORDERS = get_args(Order)
SIZE = {"total_degree": sum, "full": max}


@pytest.fixture(params=[kind for kind in BASES.values() if kind.ordered_products], ids=lambda kind: kind.name())
def basis(request: pytest.FixtureRequest) -> Basis:
    return request.param()


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_as_many_indices_as_there_are_of_a_total_degree_are_all_of_them(dimension: int, degree: int) -> None:
    count = math.comb(degree + dimension, dimension)
    everything = {index for index in itertools.product(range(degree + 1), repeat=dimension) if sum(index) <= degree}
    assert set(multi_indices(count, dimension, "total_degree")) == everything


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_as_many_indices_as_the_full_product_has_are_all_of_it(dimension: int, degree: int) -> None:
    count = (degree + 1) ** dimension
    assert set(multi_indices(count, dimension, "full")) == set(itertools.product(range(degree + 1), repeat=dimension))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_indices_are_sorted_by_degree_then_from_the_right(order: Order, dimension: int) -> None:
    everything = itertools.product(range(9), repeat=dimension)
    expected = sorted(everything, key=lambda index: (SIZE[order](index), index[::-1]))
    assert list(multi_indices(9, dimension, order)) == expected[:9]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_narrow_set_is_a_prefix_of_a_wide_one(order: Order, dimension: int) -> None:
    wide = multi_indices(70, dimension, order)
    assert len(set(wide)) == 70
    for width in range(1, 70, 7):
        assert multi_indices(width, dimension, order) == wide[:width]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_features_are_products_of_one_function_per_input(basis: Basis, order: Order, dimension: int) -> None:
    inputs = torch.from_numpy(stream("inputs").uniform(-1, 1, (7, dimension)))
    features = basis.features(inputs, 20, order)
    assert features.shape == (7, 20)
    for column, index in enumerate(multi_indices(20, dimension, order)):
        for row in range(7):
            coordinates = zip(inputs[row], index, strict=True)
            factors = [float(basis(x[None], degree + 1)[0, degree]) for x, degree in coordinates]
            # A product of at most three factors, each equal to a few units in the last place.
            assert float(features[row, column]) == pytest.approx(math.prod(factors), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("basis", CLAIMING, ids=Basis.label)
def test_products_of_an_orthonormal_basis_are_orthonormal(basis: Basis, quadrature) -> None:
    points, weights = quadrature(cells=8, nodes=6)
    plane = torch.cartesian_prod(points, points)
    both = torch.outer(weights, weights).ravel()
    for order in ORDERS:
        values = basis.features(plane, 16, order)
        gram = values.mT @ (both[:, None] * values)
        # Six nodes in each of eight cells leave 1e-14 of the fastest cosine.
        torch.testing.assert_close(gram, torch.eye(16, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.reference("cos_best_meansq_absx_pm1_K3")
def test_best_tensor_cosines_miss_a_product_of_kinks_by_what_theory_says(reference, quadrature) -> None:
    in_the_plane = (1 / 3) ** 2 - (1 / 3 - reference["value"]) ** 2
    assert in_the_plane == pytest.approx(1.2766406e-4, rel=1e-7)  # as printed
    points, weights = quadrature(cells=4, nodes=12)
    plane = torch.cartesian_prod(points, points)
    root = torch.outer(weights, weights).ravel().sqrt()[:, None]
    # Whole periods up to 3 are half periods up to 6; the odd ones do not see an even function.
    features = root * Cosine().features(plane, 7**2, "full")
    target = root * plane.abs().prod(dim=1, keepdim=True)
    missed = target - features @ torch.linalg.lstsq(features, target).solution
    assert float(missed.square().sum()) == pytest.approx(in_the_plane, rel=reference["tolerance"]["rel"])
