"""How far training has come, by second ways."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from pipeline.diagnostics.convergence import (
    DistanceToLeastSquares,
    GradientNorm,
    LeastSquaresError,
    OuterGap,
    TestError,
    TestErrorBar,
    TrainingLoss,
    WeightNorm,
)
from pipeline.models import MODELS
from pipeline.models.activations import Activation, Relu, Tanh
from pipeline.models.bases import BASES
from pipeline.models.bases.polynomial import Legendre, Monomial
from pipeline.models.linear import Linear
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy, Task
from pipeline.problems.measures import Normal, Uniform
from pipeline.problems.problem import Dataset, FunctionProblem
from pipeline.problems.targets import AbsoluteValue, Gaussian, Sine, Step, XSquared


@pytest.fixture(params=MODELS.values(), ids=MODELS.keys())
def model(request: pytest.FixtureRequest) -> Model:
    return request.param()


@pytest.fixture(params=BASES.values(), ids=BASES.keys())
def linear(request: pytest.FixtureRequest) -> Linear:
    return Linear(request.param())


def solution(snapshot) -> np.ndarray:
    """The shortest least-squares weights by NumPy, ``[F, K]``."""
    dataset = snapshot.context.dataset
    return np.linalg.lstsq(snapshot.features_TPF[0].numpy(), dataset.train_targets_PK.numpy())[0]


def exact_error(target, broken: np.ndarray, function) -> float:
    """Root mean square of the distance on [-1, 1], by Gauss rules between all places where either has a kink."""
    ends = np.unique(np.concatenate([np.linspace(-1, 1, 41), broken[np.abs(broken) < 1], target.breaks()]))
    node, weight = np.polynomial.legendre.leggauss(12)
    middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    x_P = (middle[:, None] + half[:, None] * node).ravel()
    squares_P = (function(x_P) - target(x_P[:, None])) ** 2
    return math.sqrt(float(squares_P @ (half[:, None] * weight).ravel()) / 2)


@pytest.mark.parametrize("test", [16, 60, 1000])
@pytest.mark.parametrize("target", [XSquared(), AbsoluteValue(), Sine(), Step(0.3)], ids=lambda target: target.label())
def test_bar_of_a_relu_network_covers_what_its_kinks_do_to_the_quadrature(target, test, snapshot_of) -> None:
    """Kinks lie inside the cells of the rule, where its coarser rule is as blind as it is itself."""
    dataset = FunctionProblem(target, Uniform(), 1, 8, test, 0.0, 0).load()
    rng = np.random.default_rng(test)
    for width in (1, 3, 12):
        hidden_TWA = rng.standard_normal((6, width, 2)) * (1.0, 0.5)
        hidden_TWA[0, 0] = 0.0, 0.3  # a unit without a kink
        output_TF = rng.standard_normal((6, width + 1)) / width
        weights = torch.from_numpy(np.concatenate([hidden_TWA.reshape(6, -1), output_TF], axis=1))
        snapshot = snapshot_of(Shallow(), width=width, dataset=dataset, weights=weights)
        for hidden_WA, output_F, error, bar in zip(
            hidden_TWA, output_TF, TestError()(snapshot).tolist(), TestErrorBar()(snapshot).tolist(), strict=True
        ):
            slope_W, bias_W = hidden_WA.T

            def network(x_P, slope_W=slope_W, bias_W=bias_W, output_F=output_F):
                return np.maximum(np.outer(x_P, slope_W) + bias_W, 0) @ output_F[:-1] + output_F[-1]

            with np.errstate(divide="ignore"):
                exact = exact_error(target, -bias_W / slope_W, network)
            assert abs(error - exact) <= bar + 1e-14


@pytest.mark.parametrize("test", [7, 13, 14, 28])
def test_bar_of_waves_covers_what_few_points_miss_and_one_cell_knows_none(test, snapshot_of) -> None:
    """Of sin(k pi x) less a polynomial; in one cell seven samples of three waves look like those of a slower one."""
    rng = np.random.default_rng(0)
    for waves in (1, 2, 3):
        dataset = FunctionProblem(Sine(float(waves)), Uniform(), 1, 8, test, 0.0, 0).load()
        weights = torch.from_numpy(0.3 * rng.standard_normal((40, 6)))
        snapshot = snapshot_of(Linear(Legendre()), width=6, dataset=dataset, weights=weights)
        bars = TestErrorBar()(snapshot)
        if test < 14:
            assert bars.isinf().all()
            continue
        for weights_F, error, bar in zip(weights, TestError()(snapshot).tolist(), bars.tolist(), strict=True):

            def polynomial(x_P, weights_F=weights_F):
                return (Legendre()(torch.from_numpy(x_P), 6) @ weights_F).numpy()

            exact = exact_error(Sine(float(waves)), np.zeros(0), polynomial)
            assert abs(error - exact) <= bar + 1e-12


@pytest.mark.parametrize("kind", ["hat", "b_spline", "ridge", "haar", "random_relu"])
@pytest.mark.parametrize("measure", [Uniform(), Uniform(-0.3, 0.5)], ids=lambda measure: measure.label())
def test_bar_of_a_basis_with_kinks_covers_them_too(kind, measure, snapshot_of) -> None:
    basis, rng = BASES[kind](), np.random.default_rng(3)
    dataset = FunctionProblem(XSquared(), measure, 1, 8, 30, 0.0, 0).load()
    weights = torch.from_numpy(rng.standard_normal((4, 6)))
    snapshot = snapshot_of(Linear(basis), width=6, dataset=dataset, weights=weights)
    fine_PD = torch.linspace(*measure.bounds(), 400_001, dtype=torch.float64)[:, None]
    squares_PT = (basis(fine_PD[:, 0], 6) @ weights.mT - fine_PD**2).square()
    exact_T = torch.trapezoid(squares_PT, dx=1 / 400_000, dim=0).sqrt()
    assert ((TestError()(snapshot) - exact_T).abs() <= TestErrorBar()(snapshot) + 1e-5).all()


def test_loss_is_half_the_mean_square_of_the_residuals(model, snapshot_of) -> None:
    snapshot = snapshot_of(model)
    context = snapshot.context
    outputs = model.outputs(snapshot.weights_TN, context.prepared_AP, context.width, 3).numpy()
    residuals = outputs - context.dataset.train_targets_PK.numpy().T
    np.testing.assert_allclose(TrainingLoss()(snapshot), (residuals**2).sum(axis=(1, 2)) / (2 * 20), rtol=1e-13)


def test_gradient_norm_is_the_slope_along_the_gradient(model, snapshot_of) -> None:
    snapshot = snapshot_of(model)
    norms = GradientNorm()(snapshot)
    directions = snapshot.gradient_TN / norms[:, None]
    h = 1e-6
    ahead, behind = (snapshot_of(model, weights=snapshot.weights_TN + s * h * directions).losses_T for s in (1, -1))
    # Central differences: rounding 1e-16 / 1e-6 times losses of size 10, and the third derivative times 1e-12.
    torch.testing.assert_close(norms, (ahead - behind) / (2 * h), rtol=1e-8, atol=1e-8)


def test_weight_norm_is_euclidean_over_all_weights(model, snapshot_of) -> None:
    snapshot = snapshot_of(model)
    np.testing.assert_allclose(WeightNorm()(snapshot), np.linalg.norm(snapshot.weights_TN, axis=1), rtol=1e-14)


def test_error_of_a_regression_is_the_root_mean_square_on_held_out_points(model, snapshot_of) -> None:
    snapshot = snapshot_of(model)
    context = snapshot.context
    prepared = context.model.prepare(context.dataset.test_inputs_PD, context.width)
    outputs = context.model.outputs(snapshot.weights_TN, prepared, context.width, 3).numpy()
    residuals = outputs - context.dataset.test_targets_PK.numpy().T
    np.testing.assert_allclose(TestError()(snapshot), np.sqrt((residuals**2).sum(axis=1).mean(axis=-1)), rtol=1e-13)


def test_error_of_classes_is_the_fraction_of_wrong_answers(model, snapshot_of) -> None:
    snapshot = snapshot_of(model, SoftmaxCrossEntropy(), Task.CLASSES)
    context = snapshot.context
    prepared = context.model.prepare(context.dataset.test_inputs_PD, context.width)
    outputs = context.model.outputs(snapshot.weights_TN, prepared, context.width, 3).numpy()
    wrong = outputs.argmax(axis=1) != context.dataset.test_targets_PK.numpy().argmax(axis=1)
    np.testing.assert_array_equal(TestError()(snapshot), wrong.mean(axis=1))


def test_distance_is_zero_at_the_least_squares_solution_of_numpy(linear, snapshot_of) -> None:
    best = torch.from_numpy(solution(snapshot_of(linear, width=4))).mT.flatten()[None]
    # Roundings of weights of size 10, through matrices of condition 100 at most.
    assert DistanceToLeastSquares()(snapshot_of(linear, width=4, weights=best)) < 1e-12


def test_distance_is_euclidean(linear, snapshot_of) -> None:
    best = torch.from_numpy(solution(snapshot_of(linear, width=4))).mT.flatten()[None]
    away = torch.zeros_like(best)
    away[0, :2] = torch.tensor([3.0, 4.0])
    assert float(DistanceToLeastSquares()(snapshot_of(linear, width=4, weights=best + away))) == pytest.approx(
        5, rel=1e-11
    )


def test_of_many_solutions_the_shortest_is_meant(linear, snapshot_of) -> None:
    """More features than points: what descent from zero finds."""
    snapshot = snapshot_of(linear, width=36)
    shortest = torch.from_numpy(solution(snapshot)).mT.flatten()[None]
    assert DistanceToLeastSquares()(snapshot_of(linear, width=36, weights=shortest)) < 1e-9 * shortest.norm()


def test_least_squares_error_is_the_test_error_of_the_solution(linear, snapshot_of) -> None:
    best = torch.from_numpy(solution(snapshot_of(linear, width=4))).mT.flatten()[None]
    at_the_solution = snapshot_of(linear, width=4, weights=best)
    expected = TestError()(at_the_solution)
    torch.testing.assert_close(LeastSquaresError()(at_the_solution), expected, rtol=1e-11, atol=0)


def test_least_squares_needs_a_linear_model_and_a_square_loss(snapshot_of) -> None:
    optimizer = snapshot_of(Linear()).context.optimizer
    for diagnostic in (DistanceToLeastSquares(), LeastSquaresError()):
        assert diagnostic.applies(Linear(), HalfMeanSquare(), optimizer)
        assert not diagnostic.applies(Linear(), SoftmaxCrossEntropy(), optimizer)
        assert not diagnostic.applies(Shallow(), HalfMeanSquare(), optimizer)


def test_outer_gap_is_the_loss_above_that_of_the_best_output_layer(model, snapshot_of) -> None:
    snapshot = snapshot_of(model)
    values = snapshot.context.dataset.train_targets_PK.numpy()
    for features, loss, gap in zip(
        snapshot.features_TPF.expand(4, -1, -1).numpy(), snapshot.losses_T, OuterGap()(snapshot), strict=True
    ):
        residuals = features @ np.linalg.lstsq(features, values)[0] - values
        assert float(gap) == pytest.approx(float(loss) - (residuals**2).sum() / (2 * len(values)), rel=1e-11)


def test_outer_gap_keeps_its_digits_where_a_difference_of_losses_has_none(linear, snapshot_of) -> None:
    """A step of 1e-9 away from the minimum of a quadratic raises a loss of size 1 by 1e-18."""
    best = torch.from_numpy(solution(snapshot_of(linear, width=4))).mT.flatten()[None]
    snapshot = snapshot_of(linear, width=4, weights=best + 1e-9)
    away = snapshot.features_TPF[0].sum(dim=1) * 1e-9
    # The solution itself is known to 1e-15.
    assert float(OuterGap()(snapshot)) == pytest.approx(float(3 * away.square().mean() / 2), rel=1e-4)


def test_outer_gap_needs_a_square_loss(model, snapshot_of) -> None:
    optimizer = snapshot_of(model).context.optimizer
    assert OuterGap().applies(model, HalfMeanSquare(), optimizer)
    assert not OuterGap().applies(model, SoftmaxCrossEntropy(), optimizer)


def test_exact_fit_has_no_loss_no_gradient_and_no_error(snapshot_of) -> None:
    """A parabola among three monomials."""
    x = torch.linspace(-1, 1, 12, dtype=torch.float64)[:, None]
    parabola = Dataset(x, 1 - 2 * x + 3 * x**2, x, 1 - 2 * x + 3 * x**2)
    weights = torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)
    snapshot = snapshot_of(Linear(Monomial()), width=3, dataset=parabola, weights=weights)
    assert TrainingLoss()(snapshot) < 1e-30
    for diagnostic in (GradientNorm(), TestError(), LeastSquaresError(), DistanceToLeastSquares()):
        assert diagnostic(snapshot) < 1e-13


# --- the error bar of the test error ---


def test_test_error_under_the_uniform_distribution_is_an_integral(snapshot_of) -> None:
    """Of |x| and the weights 1/2: the mean of (|x| - 1/2)^2 is 1/12; a sample would be off by a percent."""
    problem = FunctionProblem(AbsoluteValue(), Uniform(), 1, 10, 4096, 0.0, 0)
    weights = torch.tensor([[0.5, 0.0], [0.0, 0.0]], dtype=torch.float64)
    snapshot = snapshot_of(Linear(), width=2, dataset=problem.load(), weights=weights)
    assert TestError()(snapshot).tolist() == pytest.approx([math.sqrt(1 / 12), math.sqrt(1 / 3)], rel=1e-14)
    assert (TestErrorBar()(snapshot) < 1e-14).all()


@pytest.mark.parametrize("dimension", [1, 2, 3, 5])
@pytest.mark.parametrize("activation", [Relu(), Tanh()])
def test_error_bar_covers_the_distance_to_a_much_finer_rule(
    dimension: int, activation: Activation, snapshot_of
) -> None:
    """For kinks too, whose places no rule knows."""
    coarse, fine = (
        snapshot_of(
            Shallow(activation), dataset=FunctionProblem(Gaussian(), Uniform(), dimension, 10, size, 0.0, 0).load()
        )
        for size in (4096, 100_000)
    )
    bars = TestErrorBar()(coarse)
    apart = (TestError()(coarse) - TestError()(fine)).abs()
    # One standard error of Sobol points is passed by a factor of 3 some times in a thousand.
    assert (apart <= 3 * bars + 3 * TestErrorBar()(fine) + 1e-14).all()
    assert (bars < 0.02 * TestError()(coarse)).all()


def test_error_bar_of_a_sample_is_the_scatter_of_test_errors_over_samples(snapshot_of) -> None:
    """Root mean squares of 200 samples of the normal distribution scatter as one of them says."""
    weights = torch.tensor([[0.5, 0.3, 0.2, 0.1]], dtype=torch.float64)
    errors, bars = [], []
    for seed in range(200):
        dataset = FunctionProblem(Gaussian(), Normal(), 2, 10, 500, 0.0, seed).load()
        snapshot = snapshot_of(Linear(), width=4, dataset=dataset, weights=weights)
        errors.append(float(TestError()(snapshot)))
        bars.append(float(TestErrorBar()(snapshot)))
    assert np.median(bars) == pytest.approx(
        np.std(errors), rel=0.25
    )  # a deviation of 200 is known to 5 %, of 500 to 10


def test_error_bar_of_answers_is_that_of_a_fraction(snapshot_of) -> None:
    snapshot = snapshot_of(Shallow(), SoftmaxCrossEntropy(), Task.CLASSES)
    fraction = TestError()(snapshot)
    torch.testing.assert_close(TestErrorBar()(snapshot), (fraction * (1 - fraction) / 30).sqrt())


@pytest.mark.parametrize("dimension", [1, 5])
def test_infinite_error_has_an_infinite_bar_and_no_error_none(dimension: int, snapshot_of) -> None:
    dataset = FunctionProblem(Gaussian(), Uniform(), dimension, 10, 300, 0.0, 0).load()
    zero = dataclasses.replace(dataset, test_targets_PK=0 * dataset.test_targets_PK)
    weights = torch.zeros(3, 4, dtype=torch.float64)
    weights[1], weights[2] = 1e200, torch.nan
    snapshot = snapshot_of(Linear(), width=4, dataset=zero, weights=weights)
    error, bar = TestError()(snapshot), TestErrorBar()(snapshot)
    assert error[:2].tolist() == bar[:2].tolist() == [0.0, math.inf]
    assert error[2].isnan()
    assert bar[2].isnan()
