"""What is predicted of descent on a quadratic is what descent does."""

import dataclasses
import re

import pytest
import torch

from pipeline.diagnostics.prediction import ExcessLoss, PredictedSteps
from pipeline.errors import FieldError
from pipeline.models.bases import BASES
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.descent import loss_curve
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam
from pipeline.problems.losses import HalfMeanSquare, SoftmaxCrossEntropy

RULES = [kind() for kind in OPTIMIZERS.values() if kind().on_quadratics()]


@pytest.fixture(params=BASES.values(), ids=BASES.keys())
def linear(request: pytest.FixtureRequest) -> Linear:
    """At width 4, the functions of two inputs of every basis are whole."""
    return Linear(request.param())


def test_excess_loss_is_the_loss_above_that_of_least_squares(linear, snapshot_of) -> None:
    snapshot = snapshot_of(linear, width=4)
    exact = snapshot.context.least_squares_KF.flatten()[None]
    least = snapshot_of(linear, width=4, weights=exact).losses_T
    torch.testing.assert_close(ExcessLoss()(snapshot), snapshot.losses_T - least, rtol=1e-11, atol=1e-13)
    assert ExcessLoss()(snapshot_of(linear, width=4, weights=exact)) < 1e-24  # a difference of losses would leave 1e-17


def test_excess_loss_of_dependent_features_is_what_they_can_reach(linear, snapshot_of) -> None:
    """Two targets at each of ten points: no features can tell them apart, and descent reaches their mean."""
    once = snapshot_of(linear, width=4).context.dataset
    inputs = once.train_inputs_PD[:10].repeat(2, 1)
    twice = dataclasses.replace(once, train_inputs_PD=inputs)
    snapshot = snapshot_of(linear, width=16, dataset=twice)
    solution = snapshot.context.least_squares_KF.flatten()[None]
    exact = snapshot_of(linear, width=16, dataset=twice, weights=solution)
    assert exact.losses_T > 0.1
    assert ExcessLoss()(exact) < 1e-20
    apart = (snapshot.losses_T - exact.losses_T).double()
    torch.testing.assert_close(ExcessLoss()(snapshot), apart, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label())
@pytest.mark.parametrize("tolerance", [0.3, 1e-3, 1e-8])
def test_predicted_steps_are_the_first_of_the_whole_curve(rule, tolerance, linear, snapshot_of) -> None:
    snapshot = snapshot_of(linear, optimizer=rule, width=4)
    modes = snapshot.context.decomposition.modes
    multiples = torch.tensor([0.02, 0.3, 0.9, 1.2], dtype=torch.float64)
    object.__setattr__(snapshot, "learning_rates_T", multiples * snapshot.context.largest_stable_learning_rate)
    curves = loss_curve(modes, snapshot.learning_rates_T, torch.arange(30_000), *rule.on_quadratics()) - modes.floor
    predicted = PredictedSteps(tolerance)(snapshot)
    assert predicted[3] == torch.inf
    for curve, steps in zip(curves[:3], predicted.tolist(), strict=False):
        below = curve <= tolerance * curve[0]
        assert steps == int(below.int().argmax()) if below.any() else steps >= len(curve)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label())
def test_above_the_limit_no_tolerance_is_reached_for_good(rule, snapshot_of) -> None:
    """Little above it the loss falls at first, and grows in the end."""
    snapshot = snapshot_of(Linear(), optimizer=rule, width=3)
    near = torch.tensor([0.9999, 1.0001], dtype=torch.float64) * snapshot.context.largest_stable_learning_rate
    object.__setattr__(snapshot, "learning_rates_T", near)
    assert PredictedSteps(0.9)(snapshot).isinf().tolist() == [False, True]


def test_what_is_never_reached_takes_infinitely_many_steps(snapshot_of) -> None:
    """Some modes of 20 monomials hold a part of random targets and have eigenvalues that float64 hardly sees."""
    snapshot = snapshot_of(Linear(Monomial()), width=20)
    far, near = (PredictedSteps(tolerance)(snapshot) for tolerance in (1e-9, 0.9))
    assert (near < 1000).all()
    assert (far > 1e9).all()


def test_predictions_are_for_descent_on_a_quadratic() -> None:
    linear, square = Linear(), HalfMeanSquare()
    assert PredictedSteps().applies(linear, square, RULES[0])
    assert not PredictedSteps().applies(linear, square, Adam())
    assert not PredictedSteps().applies(Shallow(), square, RULES[0])
    assert not PredictedSteps().applies(linear, SoftmaxCrossEntropy(), RULES[0])
    assert ExcessLoss().applies(linear, square, Adam())
    assert not ExcessLoss().applies(Shallow(), square, RULES[0])
    assert not ExcessLoss().applies(linear, SoftmaxCrossEntropy(), RULES[0])


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -1.0, float("nan")])
def test_a_tolerance_is_a_fraction(tolerance) -> None:
    what = f"tolerance: tolerance {tolerance!r} is no fraction of the first excess loss"
    with pytest.raises(FieldError, match="^" + re.escape(what)):
        PredictedSteps(tolerance)
