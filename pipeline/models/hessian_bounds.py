"""Bounds on how fast the Hessian of a network's square loss changes with its weights, in closed form.

Along a line of weights, ``w + s d`` with ``|d| = 1``, the outputs at a point are functions of s, with residuals r:
``d^3 L / ds^3 = mean(r . f''' + 3 f' . f'')``, the mean over the points. The Hessian is Lipschitz with the constant
``M = sup |d^3 L / ds^3|``, which needs no other directions as its derivative is symmetric. With x an input and a one
behind it, a and b the lengths of d in the hidden and the output layer, V the largest length of the output weights of a
hidden unit, and ``|g'| <= G1``, ``|g''| <= G2``, ``|g'''| <= G3``:

- ``|f''| <= 2 G1 |x| a b + G2 |x|^2 V a^2``, at most the greater eigenvalue of ``[[0, G1 |x|], [G1 |x|, G2 |x|^2 V]]``;
- ``|f'''| <= 3 G2 |x|^2 a^2 b + G3 |x|^3 V a^3 <= (2 / sqrt 3) G2 |x|^2 + G3 |x|^3 V``;
- ``mean(|f'|^2) <= lambda_J``, the largest eigenvalue of the Gauss-Newton matrix, whose root J changes by at most the
  root mean square of ``|f''|`` for each unit of length.

So ``M <= sqrt(2 L) F3 + 3 J F2`` with F2 and F3 the root mean squares of these bounds; and the Hessian differs from the
Gauss-Newton matrix by at most ``sqrt(2 L) F2``. All that is needed of the weights is V, L and one eigenvalue.

Source: Nesterov, Lectures on Convex Optimization (2018), section 1.2.2, for Hessians that are Lipschitz; Banach 1938,
for symmetric forms, whose norm is taken along one direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.models.activations import DerivativeBounds


@dataclass(frozen=True)
class OutputDerivatives:
    """Bounds on the second and third derivatives of a network's outputs along lines of length 1, over all points.

    Args:
        activation: Bounds on the derivatives of the activation.
        first: Root mean square over the points of ``|x|``, with a one behind each input.
        second: That of ``|x|^2``.
        third: That of ``|x|^3``.
    """

    activation: DerivativeBounds
    first: float
    second: float
    third: float

    def second_derivative(self, largest_T: Tensor) -> Tensor:
        """F2, the bound on the root mean square of the second derivative.

        Args:
            largest_T: V, the largest length of the output weights of a hidden unit.

        Returns:
            Shape of V.
        """
        mixed, of_hidden_T = self.activation.first * self.first, self.activation.second * self.second * largest_T
        return (of_hidden_T + (of_hidden_T.square() + 4 * mixed**2).sqrt()) / 2

    def third_derivative(self, largest_T: Tensor) -> Tensor:
        """F3, the bound on the root mean square of the third derivative; V and shape as of the second."""
        mixed = 2 / math.sqrt(3) * self.activation.second * self.second
        return mixed + self.activation.third * self.third * largest_T

    def hessian_change(self, losses_T: Tensor, roots_T: Tensor, largest_T: Tensor) -> Tensor:
        """M, the Lipschitz constant of the Hessian where loss, J and V are at most these.

        Args:
            losses_T: L, half the mean square.
            roots_T: J, the root of the largest eigenvalue of the Gauss-Newton matrix.
            largest_T: V.

        Returns:
            Shape ``[T]``.
        """
        of_residuals_T = (2 * losses_T).sqrt() * self.third_derivative(largest_T)
        return of_residuals_T + 3 * roots_T * self.second_derivative(largest_T)


def output_derivatives(activation: DerivativeBounds, inputs_PD: Tensor) -> OutputDerivatives:
    """Bounds for networks on given points.

    Args:
        activation: Bounds on the derivatives of the activation.
        inputs_PD: Training inputs, float64.

    Returns:
        Bounds that hold at all weights.
    """
    squares_P = 1 + inputs_PD.double().square().sum(dim=1)
    first, second, third = (float(squares_P.pow(power).mean().sqrt()) for power in (1, 2, 3))
    return OutputDerivatives(activation, first, second, third)


def largest_output_weights(output_TKF: Tensor) -> Tensor:
    """V, the largest length over hidden units of a unit's weights in all outputs.

    Args:
        output_TKF: The output layer, bias last.

    Returns:
        Shape ``[T]``.
    """
    return torch.linalg.vector_norm(output_TKF[..., :-1], dim=1).amax(dim=1)
