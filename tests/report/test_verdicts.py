"""A verdict says of a trial what theory allows to be said, and no more."""

from __future__ import annotations

import math

import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent, LeastSquares, Momentum
from pipeline.problems.losses import BinaryCrossEntropy, HalfMeanSquare
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.report.verdicts import MARGIN, counted, has_limit, learning_rate_verdict, not_measured, overshoots

TRIAL = {
    "has_limit": True,
    "overshoots": False,
    "margin": MARGIN["float32"],
    "status": "done",
    "step": 1000,
    "learning_rate": 1.0,
    "largest_stable_learning_rate": 2.0,
    "first_loss": 1.0,
    "least_loss": 0.1,
    "loss": 0.1,
    "several_losses": True,
    "engine": "reference",
}


def verdict(**changed: object) -> str:
    return pl.DataFrame([TRIAL | changed]).with_columns(learning_rate_verdict())["verdict"].item()


@pytest.mark.parametrize(
    "expected, changed",
    [
        ("agrees", {}),
        ("contradicts", {"status": "diverged"}),
        ("contradicts", {"loss": 1.5}),
        ("contradicts", {"loss": math.nan}),
        ("agrees", {"loss": 1.00001}),  # the start was the minimum, up to rounding
        ("cannot say", {"loss": 1.5, "overshoots": True}),
        ("contradicts", {"status": "diverged", "overshoots": True}),
    ],
)
def test_below_the_limit_the_loss_must_not_grow(expected, changed):
    assert verdict(**changed) == expected


@pytest.mark.parametrize(
    "expected, changed",
    [
        ("agrees", {"status": "diverged"}),
        ("agrees", {"loss": 0.2}),  # it fell first and grows now
        ("agrees", {"loss": math.inf}),
        ("contradicts", {}),
        ("cannot say", {"step": 10}),  # 5^20 is not yet more than rounding
    ],
)
def test_above_the_limit_the_loss_must_grow_once_there_was_time(expected, changed):
    assert verdict(**{"learning_rate": 6.0, **changed}) == expected


@pytest.mark.parametrize("ratio", [0.992, 1.0, 1.008])
def test_close_to_the_limit_nothing_is_said(ratio):
    assert verdict(learning_rate=2.0 * ratio) == "cannot say"
    assert verdict(learning_rate=2.0 * ratio, status="diverged") == "cannot say"


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("ratio, expected", [(0.95, ("agrees", "contradicts")), (1.05, ("contradicts", "agrees"))])
def test_five_percent_from_the_limit_a_verdict_is_given(ratio, expected, status):
    assert verdict(learning_rate=2.0 * ratio, status=status) == expected[status == "diverged"]


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("ratio", [0.995, 1.005])
def test_half_a_percent_from_the_limit_none_is_given(ratio, status):
    assert verdict(learning_rate=2.0 * ratio, status=status) == "cannot say"


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("ratio, expected", [(0.999, ("agrees", "contradicts")), (1.001, ("cannot say", "agrees"))])
def test_in_float64_a_tenth_of_a_percent_is_enough(ratio, expected, status):
    given = verdict(margin=MARGIN["float64"], learning_rate=2.0 * ratio, status=status)
    assert given == expected[status == "diverged"]


@pytest.mark.parametrize("first_loss", [math.inf, math.nan, None])
@pytest.mark.parametrize("learning_rate", [1.0, 6.0])
@pytest.mark.parametrize("status", ["done", "diverged"])
def test_a_start_that_is_not_finite_tells_nothing(first_loss, learning_rate, status):
    assert verdict(first_loss=first_loss, learning_rate=learning_rate, status=status) == "cannot say"


def test_one_recorded_loss_does_not_show_that_it_fell():
    assert verdict(first_loss=0.1, several_losses=False) == "cannot say"
    assert verdict(first_loss=0.1, several_losses=False, status="diverged") == "contradicts"


@pytest.mark.parametrize(
    "unknown",
    [
        {"has_limit": False},
        {"engine": "closed_form"},
        {"status": "failed"},
        {"status": "pending"},
        {"largest_stable_learning_rate": None},
        {"learning_rate": None},
        {"loss": None},
    ],
)
def test_nothing_is_said_where_something_is_missing(unknown):
    assert verdict(**unknown) == "cannot say"


def test_an_engine_that_is_not_known_has_iterated():
    """Before there was a choice all did, and outcomes of failed trials name none."""
    trials = pl.DataFrame([TRIAL, TRIAL | {"engine": None}])
    assert trials.select(learning_rate_verdict())["verdict"].to_list() == ["agrees", "agrees"]


def test_it_is_said_how_many_trials_theory_was_not_held_against():
    engines = ["reference", None, "closed_form", "closed_form"]
    said = [
        not_measured(pl.DataFrame({"engine": engines[:number]}, schema={"engine": pl.String})) for number in range(5)
    ]
    assert said[:3] == ["", "", ""]
    assert said[3].startswith("1 trial was computed in closed form, which is what theory says: nothing was measured")
    assert said[4].startswith("2 trials were computed in closed form")


@pytest.mark.parametrize(
    "expected, verdicts",
    [
        ("agrees (2 of 2 trials)", ["agrees", "agrees", "cannot say"]),
        ("contradicts (1 of 3 trials)", ["agrees", "contradicts", "agrees"]),
        ("agrees (1 of 1 trial)", ["agrees", "cannot say"]),
        ("contradicts (1 of 1 trial)", ["contradicts"]),
        ("cannot say", ["cannot say"]),
    ],
)
def test_verdicts_of_a_group_are_counted(expected, verdicts):
    assert pl.DataFrame({"verdict": verdicts}).select(counted(pl.col("verdict"))).item() == expected


@pytest.mark.parametrize(
    "exact, optimizer, model, changed",
    [
        (True, GradientDescent(), Linear(), {}),
        (True, Momentum(), Linear(), {}),
        (False, Adam(), Linear(), {}),
        (False, LeastSquares(), Linear(), {}),
        (False, GradientDescent(), Shallow(), {}),
        (False, GradientDescent(), Linear(), {"batch_size": 8}),
        (True, GradientDescent(), Linear(), {"target": (Xor(),), "loss": HalfMeanSquare()}),
        (False, GradientDescent(), Linear(), {"target": (Xor(),), "loss": BinaryCrossEntropy()}),
    ],
)
def test_a_limit_is_exact_for_descent_on_a_quadratic(exact, optimizer, model, changed):
    experiment = Experiment("?", (model,), (2,), **{"target": (AbsoluteValue(),), "optimizer": optimizer, **changed})
    assert has_limit(next(experiment.shapes())) is exact


def test_momentum_overshoots_and_gradient_descent_does_not():
    shapes = [
        next(Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), optimizer=optimizer).shapes())
        for optimizer in (GradientDescent(), Momentum())
    ]
    assert [overshoots(shape) for shape in shapes] == [False, True]
