"""Activation functions, each with its derivatives written in terms of its own value."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor

from pipeline.definitions import Definition, table
from pipeline.errors import FieldError


class DerivativeBounds(NamedTuple):
    """The suprema of the absolute values of the first three derivatives of a function."""

    first: float
    second: float
    third: float


class Activation(Definition, ABC):
    """Activation function g, applied elementwise to the weighted sums z of the hidden units."""

    kinked: ClassVar[bool] = False
    """Whether its derivative jumps at 0, and nowhere else."""
    convex: ClassVar[bool] = False
    """Whether it is convex and never falls, so that its derivative is largest where its value is."""
    derivative_bounds: ClassVar[DerivativeBounds | None] = None
    """Largest absolute values of its first three derivatives; ``None`` where one is missing, as at a kink."""

    @abstractmethod
    def __call__(self, z: Tensor) -> Tensor:
        """Values g(z).

        Args:
            z: Weighted sums, of any shape.

        Returns:
            A new tensor of the shape of ``z``.
        """

    @abstractmethod
    def apply_(self, z: Tensor) -> Tensor:
        """Values g(z), in place.

        Args:
            z: Weighted sums, of any shape; overwritten.

        Returns:
            The same tensor.
        """

    @abstractmethod
    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        """Multiply a gradient in place by the derivative g'(z), given the *value* g(z).

        At a kink the derivative is that of the left side, as in PyTorch.

        Args:
            gradient: Gradient in the values; overwritten.
            value: g(z), of the shape of the gradient.

        Returns:
            The gradient in z: the same tensor.
        """

    @abstractmethod
    def second_derivative(self, value: Tensor) -> Tensor:
        """Second derivative g''(z), given the *value* g(z); 0 at a kink, as in PyTorch.

        Exact to rounding of the largest second derivative, not of a small one where the activation saturates.

        Args:
            value: g(z), of any shape.

        Returns:
            A tensor of the shape of ``value``.
        """


@final
@dataclass(frozen=True)
class Relu(Activation):
    """Rectified linear unit, the positive part max(z, 0).

    Source: Nair, Hinton, "Rectified linear units improve restricted Boltzmann machines" (ICML 2010).
    """

    kinked: ClassVar[bool] = True
    convex: ClassVar[bool] = True
    formula: ClassVar[str] = r"g(z) = \max(z, 0)"

    def __call__(self, z: Tensor) -> Tensor:
        return torch.relu(z)

    def apply_(self, z: Tensor) -> Tensor:
        return z.relu_()

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return torch.ops.aten.threshold_backward.grad_input(gradient, value, 0, grad_input=gradient)

    def second_derivative(self, value: Tensor) -> Tensor:
        return torch.zeros_like(value)


@final
@dataclass(frozen=True)
class LeakyRelu(Activation):
    """Leaky rectified linear unit: the identity above zero and a line of the given slope below.

    Args:
        slope: Derivative below zero, from 0 to below 1; 0.01 as in PyTorch.

    Raises:
        FieldError: If the slope is not in [0, 1).

    Source: Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
    """

    slope: float = 0.01
    kinked: ClassVar[bool] = True
    convex: ClassVar[bool] = True
    formula: ClassVar[str] = r"g(z) = \begin{cases} z & z > 0 \\ s z & z \le 0 \end{cases}"

    def __post_init__(self) -> None:
        if not 0 <= self.slope < 1:
            raise FieldError(
                ("slope",), f"slope {self.slope!r} is not in [0, 1)", hint="take a number from 0 to below 1, like 0.01"
            )

    def __call__(self, z: Tensor) -> Tensor:
        return torch.nn.functional.leaky_relu(z, self.slope)

    def apply_(self, z: Tensor) -> Tensor:
        return torch.nn.functional.leaky_relu_(z, self.slope)

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        backward = torch.ops.aten.leaky_relu_backward.grad_input
        return backward(gradient, value, self.slope, True, grad_input=gradient)

    def second_derivative(self, value: Tensor) -> Tensor:
        return torch.zeros_like(value)


@final
@dataclass(frozen=True)
class Sigmoid(Activation):
    """Logistic sigmoid 1 / (1 + exp(-z)).

    Source: Cybenko, "Approximation by superpositions of a sigmoidal function" (1989).
    """

    formula: ClassVar[str] = r"g(z) = \frac{1}{1 + e^{-z}}"
    derivative_bounds: ClassVar[DerivativeBounds | None] = DerivativeBounds(1 / 4, 1 / (6 * 3**0.5), 1 / 8)

    def __call__(self, z: Tensor) -> Tensor:
        return torch.sigmoid(z)

    def apply_(self, z: Tensor) -> Tensor:
        return z.sigmoid_()

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return torch.ops.aten.sigmoid_backward.grad_input(gradient, value, grad_input=gradient)

    def second_derivative(self, value: Tensor) -> Tensor:
        return value * (1 - value) * (1 - 2 * value)


@final
@dataclass(frozen=True)
class Tanh(Activation):
    """Hyperbolic tangent.

    Source: LeCun et al., Efficient BackProp (1998), section 4.4.
    """

    formula: ClassVar[str] = r"g(z) = \tanh z"
    derivative_bounds: ClassVar[DerivativeBounds | None] = DerivativeBounds(1.0, 4 / (3 * 3**0.5), 2.0)

    def __call__(self, z: Tensor) -> Tensor:
        return torch.tanh(z)

    def apply_(self, z: Tensor) -> Tensor:
        return z.tanh_()

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return torch.ops.aten.tanh_backward.grad_input(gradient, value, grad_input=gradient)

    def second_derivative(self, value: Tensor) -> Tensor:
        return -2 * value * (1 - value.square())


@final
@dataclass(frozen=True)
class Identity(Activation):
    """Identity function, no activation at all: the network is then a linear function of its inputs.

    Source: Saxe, McClelland, Ganguli, arXiv 1312.6120, for networks of linear layers.
    """

    convex: ClassVar[bool] = True
    formula: ClassVar[str] = r"g(z) = z"
    derivative_bounds: ClassVar[DerivativeBounds | None] = DerivativeBounds(1.0, 0.0, 0.0)

    def __call__(self, z: Tensor) -> Tensor:
        return z.clone()

    def apply_(self, z: Tensor) -> Tensor:
        return z

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return gradient

    def second_derivative(self, value: Tensor) -> Tensor:
        return torch.zeros_like(value)


ACTIVATIONS = table(Activation, sys.modules[__name__])

PIECEWISE_LINEAR = (Relu, LeakyRelu, Identity)
"""Activations with ``g(z) = g'(z) z``: straight lines on both sides of zero, and through it."""
