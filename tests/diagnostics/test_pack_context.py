"""What the trials of a pack have in common is computed once, in the dtype that is asked for."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.greedy import Greedy, SelectedFunctions
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum
from pipeline.problems.losses import HalfMeanSquare, Task
from pipeline.problems.measures import Normal, Uniform
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import Runge


@pytest.fixture
def context() -> PackContext:
    """Four monomials on 12 points of Runge's function, trained in float32."""
    dataset = FunctionProblem(Runge(), Uniform(), 1, 12, 28, 0.0, 0).load()
    return PackContext(
        Linear(Monomial()), 4, GradientDescent(), HalfMeanSquare(), Task.REGRESSION, dataset, torch.float32
    )


def test_points_are_prepared_in_float64_and_in_the_dtype_of_the_training(context: PackContext) -> None:
    assert context.prepared_AP.dtype is context.precise_test_prepared_AP.dtype is torch.float64
    assert context.test_prepared_AP.dtype is torch.float32
    torch.testing.assert_close(context.test_prepared_AP, context.precise_test_prepared_AP.float(), rtol=0, atol=0)
    assert (context.num_points, context.num_outputs) == (12, 1)


def test_model_is_fitted_to_the_training_points(context: PackContext) -> None:
    greedy = dataclasses.replace(context, model=Greedy())
    assert isinstance(greedy.model, SelectedFunctions)
    assert context.model == Linear(Monomial())


def test_least_squares_are_those_of_numpy(context: PackContext) -> None:
    features, targets = context.prepared_AP.mT.numpy(), context.dataset.train_targets_PK.numpy()
    solution = np.linalg.lstsq(features, targets, rcond=None)[0]
    np.testing.assert_allclose(context.least_squares_KF.numpy(), solution.T, rtol=1e-10)
    np.testing.assert_allclose(
        context.linear_fit_1PK[0].numpy(), context.precise_test_prepared_AP.mT.numpy() @ solution, rtol=1e-10
    )


def test_weights_of_held_out_points_have_the_sum_1_and_are_equal_in_a_sample(context: PackContext) -> None:
    assert float(context.test_weights_P.sum()) == pytest.approx(1, rel=1e-14)
    sample = FunctionProblem(Runge(), Normal(), 1, 12, 28, 0.0, 0).load()
    equal = dataclasses.replace(context, dataset=sample).test_weights_P
    torch.testing.assert_close(equal, torch.full((28,), 1 / 28, dtype=torch.float64), rtol=0, atol=0)


def test_limit_of_the_learning_rate_is_that_of_the_rule(context: PackContext) -> None:
    largest = float(torch.linalg.matrix_norm(context.prepared_AP, 2).square()) / 12
    assert context.largest_stable_learning_rate == pytest.approx(2 / largest, rel=1e-12)
    with_momentum = dataclasses.replace(context, optimizer=Momentum(0.5))
    assert with_momentum.largest_stable_learning_rate == pytest.approx(3 / largest, rel=1e-12)
    for nothing_known in (
        dataclasses.replace(context, optimizer=Adam()),
        dataclasses.replace(context, model=Shallow()),
    ):
        assert math.isnan(nothing_known.largest_stable_learning_rate)


def test_points_that_are_on_a_device_already_stay(context: PackContext) -> None:
    assert context.on(torch.device("cpu")) is context
