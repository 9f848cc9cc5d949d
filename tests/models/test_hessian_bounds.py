"""The Hessian of a network changes no faster than its bound: no third derivative by autograd or mpmath is above it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import mpmath
import pytest
import torch
from torch import Tensor

from pipeline.models.activations import ACTIVATIONS, Activation
from pipeline.models.curvature import curvature
from pipeline.models.hessian_bounds import OutputDerivatives, largest_output_weights, output_derivatives
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare

SMOOTH = [kind() for kind in ACTIVATIONS.values() if kind.derivative_bounds is not None]
FUNCTIONS = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "identity": lambda z: z,
}
LOSS = HalfMeanSquare()


@pytest.fixture(params=SMOOTH, ids=Activation.label)
def activation(request: pytest.FixtureRequest) -> Activation:
    return request.param


def test_activations_are_bounded_exactly_if_they_have_no_kink() -> None:
    assert {kind().derivative_bounds is None for kind in ACTIVATIONS.values() if kind.kinked} == {True}
    assert {activation.kinked for activation in SMOOTH} == {False}


def test_bounds_of_derivatives_are_their_suprema(activation: Activation) -> None:
    """By mpmath on a fine grid: none is above, and one comes within a part in ten thousand."""
    assert activation.derivative_bounds is not None
    line = [mpmath.mpf(k) / 50 for k in range(-100, 101)]
    for order, bound in enumerate(activation.derivative_bounds, start=1):
        found = max(abs(mpmath.diff(FUNCTIONS[activation.name()], z, order)) for z in line)
        assert float(found) <= bound * (1 + 1e-9)
        assert float(found) >= bound * (1 - 1e-4) - 1e-9


class Network:
    """A random network on random points, and its derivatives along directions."""

    def __init__(self, activation: Activation, seed: int, num_inputs: int, num_outputs: int, scale: float) -> None:
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.model, self.width, self.num_outputs = Shallow(activation), 5, num_outputs
        self.inputs_PD, self.targets_PK = normal(7, num_inputs), normal(7, num_outputs)
        self.weights_N = scale * normal(self.model.num_weights(self.width, num_inputs, num_outputs))
        directions_TN = normal(50, len(self.weights_N))
        directions_TN /= directions_TN.norm(dim=1, keepdim=True)
        self.directions_TN = torch.cat([directions_TN, self.steepest()])

    def outputs(self, weights_TN: Tensor) -> Tensor:
        prepared_AP = self.model.prepare(self.inputs_PD, self.width)
        return self.model.outputs(weights_TN, prepared_AP, self.width, self.num_outputs)

    def losses(self, weights_TN: Tensor) -> Tensor:
        return LOSS(self.outputs(weights_TN), self.targets_PK.mT)

    def steepest(self) -> Tensor:
        """The direction of the gradient, in which descent moves."""
        gradient_1N = torch.autograd.functional.jacobian(lambda w: self.losses(w)[0], self.weights_N[None])
        return gradient_1N / gradient_1N.norm()

    def along(self, function: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Second and third derivatives of a function of the weights along all directions, by autograd."""
        start = torch.zeros(len(self.directions_TN), dtype=torch.float64)

        def slope(inner: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
            return lambda s: torch.func.jvp(inner, (s,), (torch.ones_like(s),))[1]

        second = slope(slope(lambda s: function(self.weights_N + s[:, None] * self.directions_TN)))
        return torch.func.jvp(second, (start,), (torch.ones_like(start),))

    def bounds(self) -> tuple[OutputDerivatives, Tensor]:
        assert self.model.activation.derivative_bounds is not None
        output_TKF = self.model.layers(self.weights_N[None], self.width, self.num_outputs)[1]
        return output_derivatives(self.model.activation.derivative_bounds, self.inputs_PD), largest_output_weights(
            output_TKF
        )

    def hessian_and_root(self) -> tuple[Tensor, Tensor]:
        """The Hessian, and the largest singular value of the root of the Gauss-Newton matrix."""
        prepared_AP = self.model.prepare(self.inputs_PD, self.width)
        curved = curvature(self.model, LOSS, self.weights_N[None], prepared_AP, self.targets_PK.mT, self.width)
        return curved.hessian()[0], torch.linalg.eigvalsh(curved.gauss_newton())[:, -1].sqrt()


SCALES, SIZES = (0.3, 1.0, 3.0), ((1, 1), (3, 2))
CASES = [(seed, *size, scale) for seed, scale in enumerate(SCALES) for size in SIZES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_derivative_of_outputs_and_loss_exceeds_its_bound(activation: Activation, case: tuple) -> None:
    network = Network(activation, *case)
    derivatives, largest_T = network.bounds()
    second, third = derivatives.second_derivative(largest_T), derivatives.third_derivative(largest_T)
    hessian_NN, root_T = network.hessian_and_root()
    change = derivatives.hessian_change(network.losses(network.weights_N[None]), root_T, largest_T)
    for found_TKP, bound in zip(network.along(network.outputs), (second, third), strict=True):
        assert found_TKP.square().sum(dim=1).mean(dim=1).sqrt().max() <= bound * (1 + 1e-12)
    assert network.along(network.losses)[1].abs().max() <= change * (1 + 1e-12)
    apart = (2 * network.losses(network.weights_N[None])[0]).sqrt() * second
    values_N = torch.linalg.eigvalsh(hessian_NN)
    assert (values_N[-1] - root_T.square()).abs() <= apart
    assert values_N[0] >= -apart


def test_the_hessian_differs_at_two_weights_by_no_more_than_their_distance_times_its_change(
    activation: Activation,
) -> None:
    """On a line from random weights, in pieces, with the greatest bound on each piece."""
    network = Network(activation, 0, 2, 1, 1.0)
    start_N, found = network.weights_N, []
    for distance in (0.0, 0.1, 0.2, 0.3):
        network.weights_N = start_N + distance * network.directions_TN[0]
        derivatives, largest_T = network.bounds()
        hessian_NN, root_T = network.hessian_and_root()
        loss_T = network.losses(network.weights_N[None])
        found.append((hessian_NN, derivatives.second_derivative(largest_T), root_T, loss_T, largest_T))
    for (first, _, *before), (last, second, *after) in pairwise(found):
        roots, losses, largest = (torch.maximum(one, other) * 1.1 for one, other in zip(before, after, strict=True))
        apart = torch.linalg.matrix_norm(last - first, ord=2)
        assert apart <= 0.1 * derivatives.hessian_change(losses, roots, largest)
        assert (after[0] - before[0]).abs() <= 0.1 * second * 1.1


def test_of_one_tanh_on_one_point_bounds_are_those_by_hand() -> None:
    """At the input 0 with a one behind it, ``|x| = 1``, and V = 3."""
    bounds = ACTIVATIONS["tanh"].derivative_bounds
    assert bounds is not None
    derivatives = output_derivatives(bounds, torch.zeros(1, 1))
    curved = 3 * 4 / (3 * math.sqrt(3))
    second = torch.linalg.eigvalsh(torch.tensor([[0.0, 1.0], [1.0, curved]]))[-1]
    largest_T = largest_output_weights(torch.tensor([[[3.0, 1.0, 9.0]]]))
    assert derivatives.second_derivative(largest_T).item() == pytest.approx(second.item(), rel=1e-6)
    third = 2 / math.sqrt(3) * 4 / (3 * math.sqrt(3)) + 2 * 3
    assert derivatives.third_derivative(largest_T).item() == pytest.approx(third, rel=1e-6)
