"""A linear model is weights on a fixed basis, starting from zero."""

import pytest
import torch

from pipeline.errors import FieldError
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.polynomial import Legendre, Monomial
from pipeline.models.linear import Linear
from pipeline.numerics.randomness import stream


@pytest.fixture(params=BASES.values(), ids=BASES.keys())
def basis(request: pytest.FixtureRequest) -> Basis:
    return request.param()


def test_outputs_of_one_input_are_the_basis_times_the_weights(basis: Basis) -> None:
    inputs = torch.from_numpy(stream("inputs").uniform(-1, 1, (13, 1)))
    weights = torch.from_numpy(stream("weights").standard_normal((4, 2 * 6)))
    model = Linear(basis)
    outputs = model.outputs(weights, model.prepare(inputs, 6), 6, 2)
    for trial in range(4):
        expected = weights[trial].view(2, 6) @ basis(inputs[:, 0], 6).mT
        torch.testing.assert_close(outputs[trial], expected, rtol=0, atol=1e-14)  # sums of six products of size 5


def test_features_are_one_matrix_for_all_trials(basis: Basis) -> None:
    model = Linear(basis)
    prepared = model.prepare(torch.zeros(13, 2, dtype=torch.float64), 6)
    assert model.features(torch.zeros(4, 12, dtype=torch.float64), prepared, 6, 2).shape == (1, 13, 6)


def test_every_trial_starts_from_zero_and_learns_a_weight_per_feature_and_output(basis: Basis) -> None:
    model = Linear(basis)
    assert model.num_weights(6, 2, 3) == 18
    assert not model.initial_weights(6, 2, 3, stream("start")).any()


def test_orders_of_a_product_hold_what_they_say() -> None:
    """Six functions of two inputs: all of total degree 2; four: all products of degree 1."""
    x, y = torch.from_numpy(stream("inputs").uniform(-1, 1, (9, 2))).T
    inputs = torch.stack([x, y], dim=1)
    by_total = Linear(Monomial(), product="total_degree").prepare(inputs, 6)
    in_full = Linear(Monomial(), product="full").prepare(inputs, 4)
    torch.testing.assert_close(by_total, torch.stack([x**0, x, y, x**2, x * y, y**2]))
    torch.testing.assert_close(in_full, torch.stack([x**0, x, y, x * y]))


def test_default_basis_is_orthonormal() -> None:
    """So that descent on a model that nobody chose is not slow for that reason alone."""
    assert Linear().basis == Legendre()
    assert Linear().basis.orthonormal_under is not None


def test_polar_features_are_those_of_the_distance_and_the_angle(basis: Basis) -> None:
    distance, angle = torch.from_numpy(stream("polar").uniform(0, 1, (2, 9)))
    angle = 2 * angle - 1
    plane = torch.stack([distance * torch.cos(torch.pi * angle), distance * torch.sin(torch.pi * angle)], dim=1)
    polar = Linear(basis, coordinates="polar").prepare(plane, 6)
    expected = Linear(basis).prepare(torch.stack([distance, angle], dim=1), 6)
    # Slopes of the sixth functions are below 100, where they do not jump.
    torch.testing.assert_close(polar, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("num_inputs", "words"), [(1, "1 input"), (3, "3 inputs")])
def test_only_the_plane_has_polar_coordinates(num_inputs: int, words: str) -> None:
    with pytest.raises(FieldError, match=f"^coordinates: only the plane has polar coordinates, not {words}"):
        Linear(coordinates="polar").check_inputs(num_inputs)
    Linear(coordinates="polar").check_inputs(2)
    Linear().check_inputs(num_inputs)
