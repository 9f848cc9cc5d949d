"""Means of products of random features are the kernel that each basis names, in every dimension."""

import math
import re

import pytest
import torch
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases import BASES
from pipeline.models.bases.random import RandomFeatures, RandomFourier, RandomRelu
from pipeline.numerics.randomness import stream
from pipeline.problems.targets import Gaussian

KINDS = [kind for kind in BASES.values() if issubclass(kind, RandomFeatures)]


@pytest.fixture(params=[*(kind() for kind in KINDS), RandomFourier(scale=0.5)], ids=RandomFeatures.label)
def basis(request: pytest.FixtureRequest) -> RandomFeatures:
    return request.param


def points(num_points: int, num_inputs: int, name: str = "points") -> Tensor:
    return torch.from_numpy(stream(name).uniform(-1, 1, (num_points, num_inputs)))


@pytest.mark.parametrize("num_inputs", [1, 2, 5])
def test_mean_product_of_many_features_is_the_kernel(basis: RandomFeatures, num_inputs: int) -> None:
    x, y, width = points(6, num_inputs), points(5, num_inputs, "others"), 40_000
    products_PQW = basis.features(x, width)[:, None] * basis.features(y, width)
    pairs_PQM = products_PQW.unflatten(-1, (-1, 2)).mean(dim=-1)  # a cosine and a sine of one draw belong together
    deviation = pairs_PQM.std(dim=-1) / math.sqrt(width / 2)
    apart = (pairs_PQM.mean(dim=-1) - basis.kernel(x, y)).abs()
    assert (apart < 4.5 * deviation + 1e-12).all()  # one of 30 pairs beyond 4.5 deviations: 2e-4
    assert (deviation < 0.03).all()


def test_kernel_of_ridges_is_that_of_points_with_a_one() -> None:
    """Two inputs at angles 0.7 and 0.4 from the axis of the constant, on one side and on both."""
    x = torch.tensor([[math.tan(0.7)]], dtype=torch.float64)
    for other in (0.4, -0.4):
        y, angle = torch.tensor([[math.tan(other)]], dtype=torch.float64), 0.7 - other
        unit = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
        expected = unit / (math.cos(0.7) * math.cos(other))
        assert float(RandomRelu().kernel(x, y)) == pytest.approx(expected, rel=1e-13)


def test_another_seed_draws_others_and_the_same_seed_the_same(basis: RandomFeatures) -> None:
    x, other = points(5, 3), type(basis)(seed=1)
    assert torch.equal(basis.features(x, 8), basis.features(x.clone(), 8))
    assert ((basis.features(x, 8) - other.features(x, 8)).abs().amax(dim=0) > 0.01).all()


def test_features_know_all_inputs_at_once(basis: RandomFeatures) -> None:
    """No product of functions of one input: the logarithm of such a product has no mixed difference."""
    corners = torch.tensor([[0.3, 0.2], [0.3, -0.4], [-0.1, 0.2], [-0.1, -0.4]], dtype=torch.float64)
    values = basis.features(corners, 40)
    assert ((values[0] * values[3] - values[1] * values[2]).abs() > 1e-3).sum() > 10


@pytest.mark.reference("maurey_cosine_mc_constant_d*")
def test_mean_of_random_cosines_misses_the_bell_by_a_constant_over_their_number(reference, number) -> None:
    """E |f - (1/m) sum cos(w_i . x)|^2 is the same constant over m for every m; by Sobol points in x."""
    constant = Gaussian().random_cosine_constant(number)
    assert constant == pytest.approx(reference["value"], rel=1e-12)
    x = 2 * torch.quasirandom.SobolEngine(number).draw(128, dtype=torch.float64) - 1 + 1 / 128
    target = torch.from_numpy(Gaussian()(x.numpy()))
    num, draws = 3, 20_000
    cosines = RandomFourier().features(x, 2 * num * draws)[:, ::2] / math.sqrt(2)
    missed = cosines.unflatten(1, (draws, num)).mean(dim=2) - target[:, None]
    assert num * float(missed.square().mean()) == pytest.approx(constant, rel=reference["tolerance"]["rel"])


def test_scale_that_cannot_be_is_refused() -> None:
    message = "scale: scale 0.0 is not positive\n  hint: take the width of the kernel, above 0"
    with pytest.raises(FieldError, match=f"^{re.escape(message)}$"):
        RandomFourier(scale=0.0)
