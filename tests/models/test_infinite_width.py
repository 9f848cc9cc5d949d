"""The kernel of infinite width is that of very wide networks and of quadrature, and its errors are those of such."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.integrate import quad

from pipeline.models.activations import ACTIVATIONS, LeakyRelu, Relu, Sigmoid, Tanh
from pipeline.models.infinite_width import (
    gaussian_kernel,
    infinite_network,
    initial_covariance,
    interpolation_errors,
    mean_squared_errors,
    reason_for_no_limit,
    unit_kernel,
    unit_variance,
)
from pipeline.models.initialisations import INITIALISATIONS, Glorot, He, KinksInside, Lecun, UniformFanIn
from pipeline.models.shallow import Shallow
from pipeline.models.tangent_kernel import hidden_layer, tangent_kernel
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent, Momentum, Nesterov

WIDE = 1 << 14
POINTS = torch.tensor([[-0.9], [-0.3], [0.1], [0.8]], dtype=torch.float64)
LIMITS = [kind() for kind in INITIALISATIONS.values() if not reason_for_no_limit(Shallow(Relu(), kind()), 1)]
every_activation = pytest.mark.parametrize(
    "activation", [kind() for kind in ACTIVATIONS.values()], ids=lambda a: a.name()
)
every_limit = pytest.mark.parametrize("initialisation", LIMITS, ids=lambda start: start.name())


def wide_weights(model: Shallow, inputs: int, width: int, trials: int) -> torch.Tensor:
    rng = stream("wide", model.label(), inputs)
    return torch.stack([torch.from_numpy(model.initial_weights(width, inputs, 1, rng)) for _ in range(trials)])


@every_limit
@every_activation
def test_kernel_is_that_of_a_very_wide_network_over_its_width(activation, initialisation):
    """Of width 2^14: an average of as many units, off by three standard errors and what the hidden layer adds, 1/n."""
    model = Shallow(activation, initialisation)
    kernel_PP = tangent_kernel(hidden_layer(model, wide_weights(model, 1, WIDE, 1), WIDE, POINTS, 1))[0] / WIDE
    limit_PP = unit_kernel(model, POINTS, POINTS)
    spread = 5 * float(limit_PP.max()) / math.sqrt(WIDE) + 4 / WIDE
    torch.testing.assert_close(kernel_PP, limit_PP, rtol=0, atol=3 * spread)


@pytest.mark.parametrize("initialisation", [He(), Lecun()], ids=lambda start: start.name())
@every_activation
def test_kernel_of_several_inputs_is_that_of_a_very_wide_network(activation, initialisation):
    model, rng = Shallow(activation, initialisation), stream("points")
    points_PD = torch.from_numpy(rng.normal(size=(4, 3)))
    kernel_PP = tangent_kernel(hidden_layer(model, wide_weights(model, 3, WIDE, 1), WIDE, points_PD, 1))[0] / WIDE
    limit_PP = unit_kernel(model, points_PD, points_PD)
    torch.testing.assert_close(kernel_PP, limit_PP, rtol=0, atol=15 * float(limit_PP.max()) / math.sqrt(WIDE))


@every_limit
@every_activation
def test_variances_are_the_diagonal_of_the_kernel(activation, initialisation):
    model = Shallow(activation, initialisation)
    diagonal_P = unit_kernel(model, POINTS, POINTS).diagonal()
    torch.testing.assert_close(unit_variance(model, POINTS), diagonal_P, rtol=1e-6, atol=1e-9)


FUNCTIONS = {
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.2 * z,
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
}


def normal(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("activation", [Relu(), LeakyRelu(0.2), Tanh(), Sigmoid()], ids=lambda one: one.name())
def test_a_gaussian_mean_is_that_of_adaptive_quadrature(activation):
    """Of variances 2 and 0.5 and covariance 0.6, over one number given the other, on both sides of the kinks."""
    left, right, cross = 2.0, 0.5, 0.6
    g, size, along = FUNCTIONS[activation.name()], math.sqrt(left), cross / math.sqrt(left)
    rest = math.sqrt(right - along**2)

    def inner(a: float) -> float:
        kink = min(max(-along * a / rest, -9), 9)
        parts = [quad(lambda b: g(along * a + rest * b) * normal(b), *ends)[0] for ends in ((-9, kink), (kink, 9))]
        return g(size * a) * sum(parts) * normal(a)

    expected = quad(inner, -9, 0, epsrel=1e-9)[0] + quad(inner, 0, 9, epsrel=1e-9)[0]
    tensors = (torch.tensor([left]).double(), torch.tensor([right]).double(), torch.tensor([[cross]]).double())
    assert float(gaussian_kernel(activation, *tensors)) == pytest.approx(expected, rel=5e-6)


@pytest.mark.parametrize("activation", [Tanh(), Sigmoid(), Relu()], ids=lambda one: one.name())
def test_the_variance_of_a_unit_is_that_of_quadrature_to_many_digits(activation):
    """E g(u)^2 for a normal u of variance 2 x^2 at x = 0.9, by mpmath in 30 digits."""
    g = {
        "relu": lambda z: max(z, mpmath.mpf(0)),
        "tanh": mpmath.tanh,
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    }[activation.name()]
    with mpmath.workdps(30):
        size = mpmath.sqrt(2) * mpmath.mpf("0.9")
        expected = float(mpmath.quad(lambda a: g(size * a) ** 2 * mpmath.npdf(a), [-12, -3, 0, 3, 12]))
    found = unit_variance(Shallow(activation, He()), torch.tensor([[0.9]], dtype=torch.float64))
    assert float(found) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda one: one.name())
@pytest.mark.parametrize("initialisation", [UniformFanIn(), KinksInside()], ids=lambda one: one.name())
def test_kernel_of_units_with_biases_is_that_of_adaptive_quadrature(activation, initialisation):
    """Of one pair of points, over both weights of a unit."""
    x, y, g, uniform = -0.3, 0.8, FUNCTIONS[activation.name()], isinstance(initialisation, UniformFanIn)

    def inner(w: float) -> float:
        """Over the bias, or the place where the unit bends."""
        if uniform:
            places, of = [-w * x, -w * y], lambda c: g(w * x + c) * g(w * y + c) / 2
        else:
            places, of = [x, y], lambda u: g(w * (x - u)) * g(w * (y - u)) / 2
        return quad(of, -1, 1, points=[place for place in places if -1 < place < 1] or None)[0]

    if uniform:
        expected = sum(quad(lambda w: inner(w) / 2, *ends)[0] for ends in ((-1, 0), (0, 1)))
    else:
        expected = sum(quad(lambda a: inner(math.sqrt(2) * a) * normal(a), *ends)[0] for ends in ((-8, 0), (0, 8)))
    points = (torch.tensor([[place]], dtype=torch.float64) for place in (x, y))
    assert float(unit_kernel(Shallow(activation, initialisation), *points)) == pytest.approx(expected, abs=1e-6)


@every_limit
def test_first_outputs_have_the_covariance_of_wide_networks(initialisation):
    model, trials, width = Shallow(Relu(), initialisation), 2000, 64
    weights_TN = wide_weights(model, 1, width, trials)
    outputs_TP = model.outputs(weights_TN, model.prepare(POINTS, width), width, 1)[:, 0]
    covariance = initial_covariance(initialisation)
    expected_PP = covariance.scale * unit_kernel(model, POINTS, POINTS) + covariance.constant
    if isinstance(initialisation, UniformFanIn):
        expected_PP = expected_PP + 1 / (3 * width)  # the output bias, which is gone in the limit
    found_PP = outputs_TP.mT @ outputs_TP / trials
    torch.testing.assert_close(found_PP, expected_PP, rtol=0, atol=8 * float(expected_PP.max()) / math.sqrt(trials))


@pytest.mark.parametrize(
    ("initialisation", "rule"),
    [*((start, GradientDescent()) for start in LIMITS), (KinksInside(), Momentum()), (Lecun(), Nesterov())],
    ids=lambda one: one.name(),
)
def test_errors_are_those_of_many_random_units_whose_output_layer_is_trained(rule, initialisation):
    """Of 200 networks of width 2048 at half the limit, the mean square at each test point; their output bias stays."""
    model, width, trials, steps = Shallow(Tanh(), initialisation), 2048, 200, 12
    train_PD = torch.linspace(-1, 1, 7).double()[:, None]
    train_PK, test_MK = torch.sin(3 * train_PD), torch.sin(3 * POINTS)
    network, factor = infinite_network(model, train_PD, POINTS), rule.stability_factor()
    found_M = mean_squared_errors(network, train_PK, test_MK, [0.5], steps, factor, *rule.on_quadratics())[0]
    hidden_TWA, output_TKF = model.layers(wide_weights(model, 1, width, trials), width, 1)
    of_train_TPW, of_test_TMW = (
        model.activation(hidden_TWA @ model.prepare(points, width)).mT for points in (train_PD, POINTS)
    )
    bias_T1, output_TW = output_TKF[:, 0, width:], output_TKF[:, 0, :width].clone()
    rates_T1 = 0.5 * factor / (width * network.eigenvalues_S[0]).expand(trials, 1)
    slots = tuple(torch.zeros_like(output_TW) for _ in range(rule.slots))
    for step in range(steps):
        residual_TP = (of_train_TPW @ output_TW[..., None])[..., 0] + bias_T1 - train_PK[:, 0]
        gradient_TW = (of_train_TPW.mT @ residual_TP[..., None])[..., 0] / len(train_PD)
        rule(output_TW, gradient_TW, slots, rates_T1, step + 1)
    squares_TM = ((of_test_TMW @ output_TW[..., None])[..., 0] + bias_T1 - test_MK[:, 0]).square()
    noise_M = squares_TM.std(dim=0) / math.sqrt(trials)
    assert ((squares_TM.mean(dim=0) - found_M).abs() <= 4 * noise_M + 0.03 * found_M + 1e-3).all()


@every_limit
def test_errors_on_the_way_are_those_of_a_linear_model_on_features_of_the_kernel(initialisation):
    """Of the first function each weight, and the output bias, is trained alone, towards 0: errors of all add up."""
    model = Shallow(Relu(), initialisation)
    train_PD = torch.linspace(-1, 1, 5).double()[:, None]
    points_PD = torch.cat([train_PD, POINTS])
    train_PK, test_MK = torch.sin(3 * train_PD), torch.sin(3 * POINTS)
    network, covariance = infinite_network(model, train_PD, POINTS), initial_covariance(initialisation)
    values_S, vectors_PS = torch.linalg.eigh(unit_kernel(model, points_PD, points_PD))
    features_PF = vectors_PS * values_S.clamp(min=0).sqrt()
    of_train_PF, of_test_MF = features_PF[:5], features_PF[5:]
    nothing_1F = torch.zeros(1, 9, dtype=torch.float64)
    weights_TF = torch.cat([nothing_1F, math.sqrt(covariance.scale) * torch.eye(9).double(), nothing_1F])
    bias_T1, is_first_T1 = torch.zeros(11, 1, dtype=torch.float64), torch.zeros(11, 1, dtype=torch.float64)
    bias_T1[-1], is_first_T1[0] = math.sqrt(covariance.constant), 1.0
    for step in range(31):
        if step in (0, 3, 30):
            (found_M,) = mean_squared_errors(network, train_PK, test_MK, [0.5], step, 2.0)
            errors_TM = weights_TF @ of_test_MF.mT + bias_T1 - is_first_T1 * test_MK.mT
            torch.testing.assert_close(found_M, errors_TM.square().sum(dim=0), rtol=1e-5, atol=1e-7)
        residuals_TP = weights_TF @ of_train_PF.mT + bias_T1 - is_first_T1 * train_PK.mT
        weights_TF = weights_TF - residuals_TP @ of_train_PF / 5 / network.eigenvalues_S[0]


@pytest.mark.parametrize("rule", [GradientDescent(), Momentum()], ids=lambda rule: rule.name())
def test_after_very_many_steps_errors_are_those_of_the_interpolant(rule):
    model = Shallow(Relu(), KinksInside())
    train_PD = torch.linspace(-1, 1, 7).double()[:, None]
    train_PK, test_MK = torch.sin(3 * train_PD), torch.sin(3 * POINTS)
    network = infinite_network(model, train_PD, POINTS)
    rates, factor = [0.3, 0.9], rule.stability_factor()
    late_RM = mean_squared_errors(network, train_PK, test_MK, rates, 10**7, factor, *rule.on_quadratics())
    expected_M = interpolation_errors(network, train_PK, test_MK)
    torch.testing.assert_close(late_RM, expected_M.expand(2, -1), rtol=1e-6, atol=1e-12)
    at_train_P = interpolation_errors(infinite_network(model, train_PD, train_PD), train_PK, train_PK)
    torch.testing.assert_close(at_train_P, torch.zeros(7).double(), rtol=0, atol=1e-9)


def test_the_interpolant_is_kernel_regression_by_a_linear_solve():
    """With the variance that a Gaussian process has left between its points, and what is left of the output bias."""
    model, (train_PD, test_MD) = Shallow(Relu(), KinksInside()), (POINTS, torch.tensor([[0.4], [-0.7]]).double())
    train_PK, test_MK = torch.sin(3 * train_PD), torch.sin(3 * test_MD)
    kernel_PP, cross_PM = unit_kernel(model, train_PD, train_PD), unit_kernel(model, train_PD, test_MD)
    weights_PM = torch.linalg.solve(kernel_PP, cross_PM)
    covariance = initial_covariance(model.initialisation)
    bias_M = (weights_PM.mT @ train_PK - test_MK)[:, 0]
    variance_M = unit_variance(model, test_MD) - (cross_PM * weights_PM).sum(dim=0)
    expected_M = bias_M.square() + covariance.scale * variance_M
    expected_M = expected_M + covariance.constant * (1 - weights_PM.sum(dim=0)).square()
    found_M = interpolation_errors(infinite_network(model, train_PD, test_MD), train_PK, test_MK)
    torch.testing.assert_close(found_M, expected_M, rtol=1e-7, atol=1e-12)


def test_a_kernel_of_two_features_has_no_interpolant_of_four_points():
    network = infinite_network(Shallow(Relu(), He()), POINTS, POINTS)
    assert interpolation_errors(network, POINTS, POINTS) is None


def test_at_the_start_the_error_is_that_of_the_first_outputs():
    network = infinite_network(Shallow(Relu(), He()), POINTS, POINTS)
    targets_PK = torch.ones(4, 2).double()
    (found_M,) = mean_squared_errors(network, targets_PK, targets_PK, [0.5], 0, 2.0)
    torch.testing.assert_close(found_M, 2 + 2 * 2 * unit_variance(Shallow(Relu(), He()), POINTS))


def test_networks_without_a_limit_say_why():
    assert reason_for_no_limit(Shallow(Relu(), Glorot()), 1).startswith("none from glorot: hidden weights shrink")
    assert reason_for_no_limit(Shallow(Relu(), UniformFanIn()), 2) == (
        "the kernel of uniform_fan_in is not known in closed form for several inputs"
    )
    assert reason_for_no_limit(Shallow(Relu(), Lecun()), 5) == ""
