"""The squared test error is the sum of its parts, and each part is what it is called."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
import torch

from pipeline.diagnostics.convergence import TestError, TestErrorBar
from pipeline.diagnostics.error_parts import ApproximationPart, OptimisationPart, RoundingPart, SamplingPart
from pipeline.models import MODELS
from pipeline.models.activations import Relu
from pipeline.models.bases import BASES
from pipeline.models.best_errors import best_mean_square
from pipeline.models.greedy import Greedy
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy, Task
from pipeline.problems.measures import Grid, Uniform
from pipeline.problems.problem import Dataset, FunctionProblem
from pipeline.problems.targets import TARGETS, AbsoluteValue, Runge, Target, XSquared

PARTS = (ApproximationPart(), SamplingPart(), OptimisationPart(), RoundingPart())
LINEAR = [Linear(kind()) for kind in BASES.values()]
OF_ONE_INPUT = [kind() for kind in TARGETS.values() if kind.dimensions in (1, None) and kind.task is Task.REGRESSION]
KNOWN = [pair for pair in itertools.product(LINEAR, OF_ONE_INPUT) if best_mean_square(pair[1], pair[0], 4) is not None]


@pytest.fixture(params=[*LINEAR, *(kind() for kind in MODELS.values())], ids=Model.label)
def model(request: pytest.FixtureRequest) -> Model:
    return request.param


@pytest.fixture(params=LINEAR, ids=Model.label)
def linear(request: pytest.FixtureRequest) -> Linear:
    return request.param


def problem_of(target: Target, noise: float = 0.0) -> Dataset:
    return FunctionProblem(target, Uniform(), 1, 40, 448, noise, 0).load()


def values(snapshot) -> torch.Tensor:
    return torch.stack([part(snapshot) for part in PARTS])


def weighted(snapshot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features on the held-out points and their targets, times the roots of the weights of the rule; those roots."""
    context, dataset = snapshot.context, snapshot.context.dataset
    features = context.model.prepare(dataset.test_inputs_PD, context.width).mT.numpy()
    root = dataset.test_weights_EP.mean(dim=0).sqrt().numpy()[:, None]
    return root * features, root * dataset.test_targets_PK.numpy(), root


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("by_rule", [True, False], ids=["an integral", "a sample"])
def test_parts_add_up_to_the_squared_test_error(model, dtype, by_rule, snapshot_of) -> None:
    snapshot = snapshot_of(model, width=4, dtype=dtype, dataset=problem_of(Runge(), noise=0.1) if by_rule else None)
    torch.testing.assert_close(values(snapshot).sum(dim=0), TestError()(snapshot).square(), rtol=1e-12, atol=0)


def test_approximation_and_sampling_are_orthogonal(linear, snapshot_of) -> None:
    """What sampling adds is the squared distance of the fit to the points from the projection: Pythagoras."""
    snapshot = snapshot_of(linear, width=4, dataset=problem_of(Runge(), noise=0.3))
    features, targets, _ = weighted(snapshot)
    projection = np.linalg.lstsq(features, targets)[0]
    fit = snapshot.context.least_squares_KF.numpy().T
    approximation, sampling, _, _ = values(snapshot)[:, 0].tolist()
    assert approximation == pytest.approx(((features @ projection - targets) ** 2).sum(), rel=1e-12)
    assert sampling == pytest.approx((((features @ (projection - fit)) ** 2).sum()), rel=1e-10)


@pytest.mark.parametrize("linear, target", KNOWN, ids=lambda side: side.label())
def test_approximation_is_the_best_error_where_that_is_known(linear, target, snapshot_of) -> None:
    """Within what the quadrature knows of its own error, at the best weights."""
    best = best_mean_square(target, linear, 4)
    dataset = problem_of(target)
    features, targets, _ = weighted(snapshot_of(linear, width=4, dataset=dataset))
    solution = torch.from_numpy(np.linalg.lstsq(features, targets)[0]).mT
    snapshot = snapshot_of(linear, width=4, dataset=dataset, weights=solution)
    error, bar = TestError()(snapshot), TestErrorBar()(snapshot)
    apart = abs(float(ApproximationPart()(snapshot)) - best)
    assert apart <= float((error + bar).square() - error.square()) + 1e-15


def test_approximation_of_a_greedy_model_is_that_of_the_functions_it_chose(snapshot_of) -> None:
    dataset = problem_of(AbsoluteValue())
    snapshot = snapshot_of(Greedy(), width=3, dataset=dataset)
    features, targets, _ = weighted(snapshot)
    missed = features @ np.linalg.lstsq(features, targets)[0] - targets
    assert float(ApproximationPart()(snapshot)[0]) == pytest.approx((missed**2).sum(), rel=1e-12)
    first = snapshot_of(Linear(Greedy().dictionary), width=3, dataset=dataset)
    assert float(ApproximationPart()(snapshot)[0]) <= float(ApproximationPart()(first)[0]) * (1 + 1e-12)


@pytest.mark.parametrize("width", [2, 4, 8])
def test_approximation_of_the_best_network_for_the_square_is_what_no_network_is_below(width, snapshot_of) -> None:
    """Kinks at equal distances, to the left and right in turn, whatever the output layer has learned."""
    kink_W = -1 + 2 * torch.arange(1, width + 1, dtype=torch.float64) / (width + 1)
    slope_W = (-1.0) ** torch.arange(width)
    hidden = torch.stack([slope_W, -slope_W * kink_W], dim=1).flatten()
    weights = torch.cat([hidden, torch.linspace(-1, 1, width + 1, dtype=torch.float64)])[None]
    dataset = FunctionProblem(XSquared(), Uniform(), 1, 40, 20_000, 0.0, 0).load()
    snapshot = snapshot_of(Shallow(Relu()), width=width, dataset=dataset, weights=weights)
    # No rule knows the kinks: a cell in which one lies, of 2048, is off by its part of the integral at most.
    assert float(ApproximationPart()(snapshot)) == pytest.approx(4 / (45 * (width + 1) ** 4), rel=2e-3)
    assert float(ApproximationPart()(snapshot)) == pytest.approx(
        best_mean_square(XSquared(), Shallow(), width), rel=2e-3
    )


def test_sampling_is_never_negative_and_more_points_leave_less_of_it(linear, snapshot_of) -> None:
    """A quarter of the points scatter twice as much: noise of variance 0.04 adds 4 * 0.04 / P to the mean square."""
    parts = []
    for num_points in (256, 4096):
        dataset = FunctionProblem(XSquared(), Grid(), 1, num_points, 448, 0.2, 0).load()
        parts.append(float(SamplingPart()(snapshot_of(linear, width=4, dataset=dataset))[0]))
    assert 0 < parts[1] < parts[0]


def test_training_that_has_reached_least_squares_leaves_nothing_to_optimisation(linear, snapshot_of) -> None:
    dataset = problem_of(Runge())
    solution = snapshot_of(linear, width=4, dataset=dataset).context.least_squares_KF.flatten()[None]
    assert float(OptimisationPart()(snapshot_of(linear, width=4, dataset=dataset, weights=solution))) == 0


def test_optimisation_is_the_squared_distance_to_least_squares_where_that_is_the_projection(
    linear, snapshot_of
) -> None:
    """Of a target that the features hold: nothing is missed, so that nothing else is near."""
    dataset = problem_of(XSquared())
    start = snapshot_of(linear, width=4, dataset=dataset)
    context = start.context
    targets = [
        context.model.prepare(inputs, 4).mT @ torch.ones(4, 1, dtype=torch.float64)
        for inputs in (dataset.train_inputs_PD, dataset.test_inputs_PD)
    ]
    held = Dataset(dataset.train_inputs_PD, targets[0], dataset.test_inputs_PD, targets[1], dataset.test_weights_EP)
    snapshot = snapshot_of(linear, width=4, dataset=held)
    features, _, _ = weighted(snapshot)
    distances = np.square(features @ (snapshot.weights_TN.numpy() - 1).T).sum(axis=0)
    np.testing.assert_allclose(OptimisationPart()(snapshot), distances, rtol=1e-10)
    assert (values(snapshot)[:2].abs() < 1e-20).all()


def test_training_that_ended_early_may_be_nearer_than_least_squares(snapshot_of) -> None:
    """Of noise alone zero weights are the best, and least squares the worst that descent from there comes to."""
    dataset = problem_of(XSquared(), noise=3.0)
    zero = Dataset(
        dataset.train_inputs_PD, dataset.train_targets_PK, dataset.test_inputs_PD, 0 * dataset.test_targets_PK,
        dataset.test_weights_EP,
    )  # fmt: skip
    snapshot = snapshot_of(Linear(), width=6, dataset=zero, weights=torch.zeros(1, 6, dtype=torch.float64))
    approximation, sampling, optimisation, rounding = values(snapshot)[:, 0].tolist()
    assert approximation == rounding == 0
    assert optimisation == -sampling < 0


def test_rounding_is_what_float32_adds_to_the_same_weights(model, snapshot_of) -> None:
    snapshot = snapshot_of(model, dtype=torch.float32, dataset=problem_of(Runge()))
    exact = snapshot_of(model, dataset=problem_of(Runge()), weights=snapshot.weights_TN.double())
    added = TestError()(snapshot).square() - TestError()(exact).square()
    # Two differences of errors of size 1 in float64.
    torch.testing.assert_close(RoundingPart()(snapshot), added, rtol=1e-9, atol=1e-12)
    assert (RoundingPart()(snapshot).abs() < 1e-4).all()


def test_rounding_in_float64_is_what_large_weights_lose(snapshot_of) -> None:
    """Of a polynomial with coefficients of 1e11 a sum in float64 has lost 11 of 16 digits, at every point others."""
    dataset = problem_of(XSquared())
    chebyshev = torch.from_numpy(np.polynomial.chebyshev.cheb2poly([0.0] * 30 + [1.0]))[None]
    snapshot = snapshot_of(Linear(BASES["monomial"]()), width=31, dataset=dataset, weights=chebyshev)
    features_PF = snapshot.context.model.prepare(dataset.test_inputs_PD, 31).mT.tolist()
    pairs = (zip(features, chebyshev[0].tolist(), strict=True) for features in features_PF)
    outputs = np.array([float(sum(Fraction(a) * Fraction(b) for a, b in pair)) for pair in pairs])
    errors = (outputs - dataset.test_targets_PK.numpy()[:, 0]) ** 2
    added = float(RoundingPart()(snapshot))
    assert 1e-12 < abs(added) < 1e-4
    without = float(TestError()(snapshot)) ** 2 - added
    assert without == pytest.approx(errors @ dataset.test_weights_EP.mean(dim=0).numpy(), rel=1e-14)


def test_parts_are_those_of_the_square_loss(model, snapshot_of) -> None:
    optimizer = snapshot_of(model, width=4).context.optimizer
    for part in PARTS:
        assert part.applies(model, HalfMeanSquare(), optimizer)
        assert not part.applies(model, SoftmaxCrossEntropy(), optimizer)
