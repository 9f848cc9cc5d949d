"""Every activation is PyTorch's own, in place or not, and knows its derivative from its value."""

import re

import mpmath
import pytest
import torch
from torch import Tensor

from pipeline.claims.activation_claims import ACTIVATION_CLAIMS
from pipeline.claims.claim import Claim
from pipeline.errors import FieldError
from pipeline.models.activations import ACTIVATIONS, Activation, LeakyRelu

SLOPES = (0.0, 0.01, 0.2, 0.99)
EVERY = [kind() for kind in ACTIVATIONS.values()] + [LeakyRelu(slope) for slope in SLOPES]
LINE = torch.linspace(-30, 30, 601, dtype=torch.float64)

TORCH_TWIN = {
    "relu": lambda activation: torch.nn.ReLU(),
    "leaky_relu": lambda activation: torch.nn.LeakyReLU(activation.slope),
    "sigmoid": lambda activation: torch.nn.Sigmoid(),
    "tanh": lambda activation: torch.nn.Tanh(),
    "identity": lambda activation: torch.nn.Identity(),
}


@pytest.fixture(params=EVERY, ids=Activation.label)
def activation(request: pytest.FixtureRequest) -> Activation:
    return request.param


@pytest.fixture(params=[torch.float32, torch.float64], ids=str)
def line(request: pytest.FixtureRequest) -> Tensor:
    """From -30 to 30, zero included."""
    return LINE.to(request.param)


@pytest.mark.parametrize("claim", ACTIVATION_CLAIMS, ids=lambda claim: claim.__name__)
def test_every_claim_holds(activation: Activation, claim: Claim) -> None:
    assert not claim(activation)


def derivative(function: object, z: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    (slope,) = torch.autograd.grad(function(z).sum(), z)  # type: ignore[operator]
    return slope


def test_values_are_those_of_pytorch(activation: Activation, line: Tensor) -> None:
    twin = TORCH_TWIN[activation.name()](activation)
    assert torch.equal(activation(line), twin(line))


def test_derivative_from_the_value_is_that_of_autograd(activation: Activation, line: Tensor) -> None:
    gradient = torch.linspace(-3, 2, len(line), dtype=line.dtype)
    memory = gradient.clone()
    result = activation.multiply_by_derivative_(memory, activation(line))
    twin = TORCH_TWIN[activation.name()](activation)
    # The same few products, perhaps in another order.
    torch.testing.assert_close(result, gradient * derivative(twin, line), rtol=4 * torch.finfo(line.dtype).eps, atol=0)
    assert result.data_ptr() == memory.data_ptr()


def test_derivative_at_a_kink_is_that_of_the_left_side(activation: Activation) -> None:
    zero = torch.zeros(1, dtype=torch.float64)
    slope = activation.multiply_by_derivative_(torch.ones(1, dtype=torch.float64), activation(zero))
    from_the_left = (activation(zero) - activation(zero - 1e-6)) / 1e-6
    torch.testing.assert_close(slope, from_the_left, rtol=0, atol=1e-6)  # the curvature times 1e-6


def test_second_derivative_is_that_of_autograd(activation: Activation, line: Tensor) -> None:
    twin = TORCH_TWIN[activation.name()](activation)
    z = line.clone().requires_grad_()
    (slope,) = torch.autograd.grad(twin(z).sum(), z, create_graph=True)
    bend = torch.autograd.grad(slope.sum(), z)[0] if slope.requires_grad else torch.zeros_like(z)
    eps = torch.finfo(line.dtype).eps
    torch.testing.assert_close(activation.second_derivative(activation(line)), bend, rtol=0, atol=4 * eps)


@pytest.mark.parametrize("z", [-25.0, -3.0, -0.7, -1e-3, 1e-3, 0.4, 2.0, 25.0])
def test_second_derivative_is_that_of_the_formula_in_fifty_digits(activation: Activation, z: float) -> None:
    formula = {
        "tanh": mpmath.tanh,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "identity": lambda x: x,
        "relu": lambda x: max(x, mpmath.mpf(0)),
        "leaky_relu": lambda x: max(x, mpmath.mpf(activation.slope) * x),
    }[activation.name()]
    with mpmath.workdps(50):
        exact = float(mpmath.diff(formula, mpmath.mpf(z), 2, h=mpmath.mpf(10) ** -15))
    value = activation(torch.tensor([z], dtype=torch.float64))
    assert float(activation.second_derivative(value)) == pytest.approx(exact, abs=1e-15)


@pytest.mark.parametrize("slope", [-0.1, 1.0, 2.0, float("nan"), float("inf")])
def test_slope_that_is_no_fraction_is_refused(slope: float) -> None:
    text = f"slope: slope {slope!r} is not in [0, 1)\n  hint: take a number from 0 to below 1, like 0.01"
    with pytest.raises(FieldError, match=f"^{re.escape(text)}$"):
        LeakyRelu(slope)
