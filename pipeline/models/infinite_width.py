"""Networks of infinite width under descent on the square loss: their kernel, and the mean square of their errors.

Of a network with n hidden units whose weights are not rescaled, initial output weights have the variance s / n. Its
tangent kernel is ``sum_j h_j(x) h_j(y)`` of the output layer, which grows like n, and terms of order 1 of the hidden
layer and of the output bias. In units of the limit of the learning rate, 2 over the largest eigenvalue, only the first
is left as n grows, and it becomes ``n Q(x, y)`` with ``Q(x, y) = E[h(x) h(y)]`` over the weights of one unit: hidden
units stay where they start, and descent fits a linear model on them. The first outputs are a Gaussian process of
covariance ``s Q`` (and that of the output bias), so that the outputs at any step are one, too.

- Of normal weights without biases and activations that are straight on both sides of zero, Q is an arc-cosine kernel.
- Of tanh and sigmoid it is a mean over two normal numbers, by Gauss-Hermite quadrature.
- Of one input and units with biases it is a mean over the two weights of a unit, by quadrature.

Shape letters: J nodes of a quadrature, M test points, R learning rates.

Source: Cho, Saul, "Kernel methods for deep learning" (NIPS 2009), equation 6, for arc-cosine kernels; Lee et al.,
"Wide neural networks of any depth evolve as linear models under gradient descent" (2019), equations 14 to 16.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.models.activations import PIECEWISE_LINEAR, Activation, Identity, LeakyRelu
from pipeline.models.initialisations import He, Initialisation, KinksInside, Lecun, UniformFanIn
from pipeline.models.shallow import Shallow
from pipeline.numerics.descent import displacement_and_velocity

NODES = 96
"""Nodes of a Gauss-Hermite rule over one weight: tanh of normal numbers of variance 2 to eight digits."""
PAIR_NODES = 48
"""Nodes on each of two axes: the same to 2e-6."""
DIRECTIONS = 2048
"""Nodes of rules over directions and kinks, at which units have kinks of their own: kernels to 1e-6."""
LEGENDRE = 24
"""Nodes of a Gauss-Legendre rule on each axis of uniform weights."""
MOST_POINTS = 2048
"""Training points at most: a kernel of 32 MiB, and two seconds for its eigenvectors."""
REGULAR = 1e-9
"""Least eigenvalue of a kernel over the largest from which it is regular: rounding leaves six digits of it.

Of kernels by quadrature eight times as many nodes then change the error of an interpolant by less than 1 %.
"""
TOGETHER = 1 << 22
"""Numbers of a quadrature in memory at a time: 32 MiB."""


@dataclass(frozen=True)
class InitialCovariance:
    """Covariance ``scale * Q(x, y) + constant`` of the first outputs of an infinitely wide network."""

    scale: float
    constant: float


def reason_for_no_limit(model: Shallow, num_inputs: int) -> str:
    """Why a network has no known limit of infinite width in units of the limit of the learning rate.

    Args:
        model: The network.
        num_inputs: D.

    Returns:
        A phrase; empty where there is a limit.
    """
    match model.initialisation:
        case He() | Lecun():
            return ""
        case UniformFanIn() | KinksInside():
            name = model.initialisation.name()
            return "" if num_inputs == 1 else f"the kernel of {name} is not known in closed form for several inputs"
        case _:
            name = model.initialisation.name()
            return f"none from {name}: hidden weights shrink as the width grows, so that every unit becomes linear"


def initial_covariance(initialisation: Initialisation) -> InitialCovariance:
    """Covariance of the first outputs: the variance of output weights times the width, and that of the output bias.

    Args:
        initialisation: One that has a limit.

    Returns:
        Of ``kinks_inside`` the output bias is minus the sum of all output weights times uniform numbers on [-1, 1].
    """
    scale = initialisation.weight_deviation(1, 1) ** 2
    return InitialCovariance(scale, scale / 3 if isinstance(initialisation, KinksInside) else 0.0)


def unit_kernel(model: Shallow, left_PD: Tensor, right_MD: Tensor) -> Tensor:
    """Kernel ``Q(x, y) = E[h(x) h(y)]`` of one hidden unit h with random weights.

    Args:
        model: A network that has a limit.
        left_PD: Points x, float64.
        right_MD: Points y, float64.

    Returns:
        Shape ``[P, M]``.
    """
    if not _by_one_unit(model, left_PD.shape[1]):
        variance = model.initialisation.weight_deviation(left_PD.shape[1], 1) ** 2
        cross_PM = variance * left_PD @ right_MD.mT
        left_P, right_M = (variance * points.square().sum(dim=1) for points in (left_PD, right_MD))
        return gaussian_kernel(model.activation, left_P, right_M, cross_PM)
    slopes_J, biases_J, weights_J = _unit_rule(model)
    left_PJ, right_MJ = (model.activation(points[:, :1] * slopes_J + biases_J) for points in (left_PD, right_MD))
    return (left_PJ * weights_J) @ right_MJ.mT


def unit_variance(model: Shallow, points_PD: Tensor) -> Tensor:
    """Diagonal ``Q(x, x) = E[h(x)^2]`` of the kernel of one hidden unit.

    Args:
        model: A network that has a limit.
        points_PD: Points x, float64.

    Returns:
        Shape ``[P]``.
    """
    if _by_one_unit(model, points_PD.shape[1]):
        slopes_J, biases_J, weights_J = _unit_rule(model)
        return model.activation(points_PD[:, :1] * slopes_J + biases_J).square() @ weights_J
    variance = model.initialisation.weight_deviation(points_PD.shape[1], 1) ** 2
    deviation_P = (variance * points_PD.square().sum(dim=1)).sqrt()
    if isinstance(model.activation, PIECEWISE_LINEAR):  # half of the square on each side of zero
        slopes = model.activation(torch.tensor([-1.0, 1.0], dtype=torch.float64))
        return deviation_P.square() * slopes.square().mean()
    node_J, weight_J = _hermite(NODES)
    return model.activation(deviation_P[:, None] * node_J).square() @ weight_J


def _by_one_unit(model: Shallow, num_inputs: int) -> bool:
    """Whether the mean is taken over the weights of a unit, of one input: where no closed form is known."""
    straight = isinstance(model.activation, PIECEWISE_LINEAR)
    return num_inputs == 1 and not (straight and isinstance(model.initialisation, He | Lecun))


def _hermite(nodes: int) -> tuple[Tensor, Tensor]:
    """Nodes and masses of the Gauss-Hermite rule of the standard normal distribution."""
    node, weight = np.polynomial.hermite_e.hermegauss(nodes)
    return torch.from_numpy(node), torch.from_numpy(weight / weight.sum())


def gaussian_kernel(activation: Activation, left_P: Tensor, right_M: Tensor, cross_PM: Tensor) -> Tensor:
    """Mean of ``g(u) g(v)`` over normal u and v of mean 0.

    Args:
        activation: g.
        left_P: Variances of u.
        right_M: Variances of v.
        cross_PM: Covariances.

    Returns:
        Shape ``[P, M]``.
    """
    if isinstance(activation, Identity):
        return cross_PM
    if isinstance(activation, PIECEWISE_LINEAR):
        # g(z) = slope z + (1 - slope) max(z, 0), and E[u max(v, 0)] is half the covariance.
        slope = activation.slope if isinstance(activation, LeakyRelu) else 0.0
        return slope * cross_PM + (1 - slope) ** 2 * arc_cosine_kernel(left_P, right_M, cross_PM)
    node_J, weight_J = _hermite(PAIR_NODES)
    deviation_P1 = left_P.sqrt()[:, None]
    along_PM = cross_PM / deviation_P1.clamp(min=torch.finfo(torch.float64).tiny)
    across_PM = (right_M - along_PM.square()).clamp(min=0).sqrt()
    at_left_PJ = activation(deviation_P1 * node_J)
    kernel_PM = torch.empty_like(cross_PM)
    rows = max(1, TOGETHER // (PAIR_NODES**2 * max(1, len(right_M))))
    for some in torch.arange(len(left_P)).split(rows):
        inner = along_PM[some, :, None, None] * node_J[:, None] + across_PM[some, :, None, None] * node_J
        means = activation(inner) @ weight_J
        kernel_PM[some] = ((at_left_PJ[some] * weight_J)[:, None] * means).sum(dim=-1)
    return kernel_PM


def arc_cosine_kernel(left_P: Tensor, right_M: Tensor, cross_PM: Tensor) -> Tensor:
    """Mean of ``max(u, 0) max(v, 0)`` over normal u and v: the arc-cosine kernel of degree 1, halved.

    ``|u| |v| (sin t + (pi - t) cos t) / (2 pi)`` with ``|u|`` and ``|v|`` the deviations and ``cos t`` the correlation.

    Args:
        left_P: Variances of u.
        right_M: Variances of v.
        cross_PM: Covariances.

    Returns:
        Shape ``[P, M]``.

    Source: Cho, Saul, "Kernel methods for deep learning" (NIPS 2009), equation 6.
    """
    sizes_PM = (left_P[:, None] * right_M).sqrt()
    cosine_PM = torch.where(sizes_PM > 0, cross_PM / sizes_PM, 1.0).clamp(-1, 1)
    angle_PM = cosine_PM.arccos()
    return sizes_PM * (angle_PM.sin() + (math.pi - angle_PM) * cosine_PM) / (2 * math.pi)


def _unit_rule(model: Shallow) -> tuple[Tensor, Tensor, Tensor]:
    """Quadrature rule over the slope and the bias of one unit of one input: slopes, biases and masses ``[J]``."""
    straight = isinstance(model.activation, PIECEWISE_LINEAR)
    uniform = isinstance(model.initialisation, UniformFanIn)
    slope_J, weight_J = _slopes(model.initialisation.weight_deviation(1, 1), uniform=uniform, straight=straight)
    if uniform and straight:  # g(r z) = r g(z): the square of weights in polar coordinates, whose radius is integrated
        angle_J = 2 * math.pi * (torch.arange(DIRECTIONS, dtype=torch.float64) + 0.5) / DIRECTIONS
        along_J, up_J = angle_J.cos(), angle_J.sin()
        edge_J = 1 / torch.maximum(along_J.abs(), up_J.abs())
        return along_J, up_J, edge_J**4 / 4 * (2 * math.pi / DIRECTIONS) / 4
    if uniform:
        slopes, biases = torch.meshgrid(slope_J, slope_J, indexing="ij")
        return slopes.flatten(), biases.flatten(), torch.outer(weight_J, weight_J).flatten()
    if not isinstance(model.initialisation, KinksInside):
        return slope_J, torch.zeros_like(slope_J), weight_J
    if straight:
        kink_J = -1 + 2 * (torch.arange(DIRECTIONS, dtype=torch.float64) + 0.5) / DIRECTIONS
        kink_weight_J = torch.full_like(kink_J, 1 / DIRECTIONS)
    else:
        node, mass = np.polynomial.legendre.leggauss(LEGENDRE)
        kink_J, kink_weight_J = torch.from_numpy(node), torch.from_numpy(mass / 2)
    slopes, kinks = torch.meshgrid(slope_J, kink_J, indexing="ij")
    return slopes.flatten(), -(slopes * kinks).flatten(), torch.outer(weight_J, kink_weight_J).flatten()


def _slopes(deviation: float, *, uniform: bool, straight: bool) -> tuple[Tensor, Tensor]:
    """Rule over the slope of a unit: of straight activations its size goes out of the mean, and its sign is left."""
    if straight:
        return deviation * torch.tensor([-1.0, 1.0]).double(), torch.tensor([0.5, 0.5]).double()
    if uniform:
        node, weight = np.polynomial.legendre.leggauss(LEGENDRE)
        return torch.from_numpy(node), torch.from_numpy(weight / 2)
    node_J, weight_J = _hermite(NODES)
    return deviation * node_J, weight_J


@dataclass(frozen=True)
class InfiniteNetwork:
    """An infinitely wide network on training and test points, by the eigenvectors of its kernel.

    Args:
        eigenvalues_S: Of ``Q / P`` on the training points, the largest first.
        vectors_PS: Its eigenvectors.
        test_parts_MS: ``Q(test, train) U``.
        test_variances_M: ``Q(x, x)`` at the test points.
        covariance: Of the first outputs.
    """

    eigenvalues_S: Tensor
    vectors_PS: Tensor
    test_parts_MS: Tensor
    test_variances_M: Tensor
    covariance: InitialCovariance


def infinite_network(model: Shallow, train_PD: Tensor, test_MD: Tensor) -> InfiniteNetwork:
    """The limit of a network on given points.

    Args:
        model: A network that has a limit.
        train_PD: Training inputs, float64, at most ``MOST_POINTS``.
        test_MD: Test inputs, float64.

    Returns:
        What all learning rates and steps need.
    """
    values_S, vectors_PS = torch.linalg.eigh(unit_kernel(model, train_PD, train_PD))
    values_S, vectors_PS = values_S.flip(0).clamp(min=0), vectors_PS.flip(1)
    return InfiniteNetwork(
        values_S / len(train_PD),
        vectors_PS,
        unit_kernel(model, test_MD, train_PD) @ vectors_PS,
        unit_variance(model, test_MD),
        initial_covariance(model.initialisation),
    )


def mean_squared_errors(
    network: InfiniteNetwork,
    train_targets_PK: Tensor,
    test_targets_MK: Tensor,
    rates_over_limit: list[float],
    step: int,
    stability_factor: float,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Tensor:
    """Mean over initial weights of the squared error at each test point, summed over outputs.

    After the step the outputs are ``f_0(x) + B(x) (y - f_0(X))``, with ``B(x) = rate Q(x, X) / P U d U^T`` and d the
    displacement of each mode per unit of its first gradient; f_0 is the first function.

    Args:
        network: The limit on these points.
        train_targets_PK: Training targets y, float64.
        test_targets_MK: Test targets.
        rates_over_limit: R learning rates over the limit of each.
        step: Steps of descent.
        stability_factor: The limit of the rule times the largest eigenvalue.
        momentum: Momentum of heavy ball or Nesterov; 0 is gradient descent.
        nesterov: Whether the momentum is Nesterov's.

    Returns:
        Shape ``[R, M]``; infinite or NaN where descent diverges beyond float64.
    """
    eigenvalues_S, num_points = network.eigenvalues_S, len(network.vectors_PS)
    rates_R = torch.tensor(rates_over_limit, dtype=torch.float64) * stability_factor / eigenvalues_S[0]
    moved_RS, _ = displacement_and_velocity(eigenvalues_S, rates_R, step, momentum, nesterov)
    return _mean_squares(network, train_targets_PK, test_targets_MK, rates_R[:, None] / num_points * moved_RS)


def interpolation_errors(network: InfiniteNetwork, train_targets_PK: Tensor, test_targets_MK: Tensor) -> Tensor | None:
    """Mean over initial weights of the squared error at each test point after infinitely many steps.

    At any stable rate the outputs are then ``f_0(x) + Q(x, X) Q(X, X)^-1 (y - f_0(X))``: the targets at all training
    points.

    Args:
        network: The limit on these points.
        train_targets_PK: Training targets y, float64.
        test_targets_MK: Test targets.

    Returns:
        Shape ``[M]``; ``None`` where the kernel on the training points is singular, or so close to it that its least
        eigenvalue has no digits.

    Source: Lee et al., "Wide neural networks of any depth evolve as linear models under gradient descent" (2019),
    equations 14 and 15 for infinite time.
    """
    eigenvalues_S = network.eigenvalues_S
    if not eigenvalues_S[-1] > REGULAR * eigenvalues_S[0]:
        return None
    gains_1S = 1 / (eigenvalues_S[None] * len(network.vectors_PS))
    return _mean_squares(network, train_targets_PK, test_targets_MK, gains_1S)[0]


def _mean_squares(
    network: InfiniteNetwork, train_targets_PK: Tensor, test_targets_MK: Tensor, gains_RS: Tensor
) -> Tensor:
    """Mean squared errors ``[R, M]`` of outputs ``f_0(x) + Q(x, X) U gain U^T (y - f_0(X))``."""
    parts_MS, gains_RS1 = network.test_parts_MS, gains_RS[..., None]
    scale, constant = network.covariance.scale, network.covariance.constant
    targets_SK, ones_S = network.vectors_PS.mT @ train_targets_PK, network.vectors_PS.sum(dim=0)
    bias_RMK = parts_MS @ (gains_RS1 * targets_SK) - test_targets_MK
    kept_RM = 1 - (gains_RS * ones_S) @ parts_MS.mT  # of a constant that is added to the first outputs
    of_kernel_S = network.eigenvalues_S * len(network.vectors_PS)
    seen_RM = (gains_RS * (gains_RS * of_kernel_S - 2)) @ parts_MS.square().mT
    variance_RM = scale * (network.test_variances_M + seen_RM) + constant * kept_RM.square()
    return bias_RMK.square().sum(dim=2) + variance_RM.clamp(min=0) * test_targets_MK.shape[1]
