"""Of a linear model's learning rate is said what theory allows to be said, and no more."""

from __future__ import annotations

import math

import polars as pl
import pytest
import torch

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.descent import Modes, log_errors
from pipeline.optimizers.rules import Adam, GradientDescent, LeastSquares, Momentum, Recurrence
from pipeline.optimizers.stability_limits import Limit
from pipeline.problems.losses import BinaryCrossEntropy, HalfMeanSquare
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.report.theory.rule_on_quadratics import meaning_of_limit
from pipeline.report.theory.stable_rates import (
    COMPUTED,
    EMPTY,
    GROUNDS,
    LEAST_FRACTION,
    MARGIN,
    NO_LIMIT,
    NO_START,
    NOT_RECORDED,
    ONE_LOSS,
    OVERSHOT,
    TOO_CLOSE,
    TOO_SHORT,
    UNREAD,
    amplification,
    growth,
    has_limit,
    learning_rate_verdict,
    not_measured,
    overshoots,
)

PLAIN = Recurrence(0.0, nesterov=False)
TRIAL = {
    "has_limit": True,
    "overshoots": False,
    "amplification": 1.0,
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


def modes_of(*losses: float, floor: float = 0.0) -> Modes:
    """Modes of the eigenvalues 1, 1/2, 1/4, ..., so that the limit of gradient descent is 2."""
    losses_S = torch.tensor(losses, dtype=torch.float64)
    return Modes(0.5 ** torch.arange(len(losses)).double(), losses_S, torch.tensor(floor, dtype=torch.float64))


ONE_MODE = modes_of(1.0)


def judged(start: Modes | None = ONE_MODE, recurrence: Recurrence = PLAIN, **changed: object) -> str | None:
    """The verdict on a trial that begins with these modes, or why there is none."""
    row = TRIAL | changed
    if start is None or row["learning_rate"] is None or row["largest_stable_learning_rate"] is None:
        grown: tuple[float | None, ...] = (None, None)
    else:
        rate, step, limit = (
            torch.tensor([row[name]]) for name in ("learning_rate", "step", "largest_stable_learning_rate")
        )
        grown = tuple(
            float(value)
            for value in growth(start, rate, step, limit, recurrence, LEAST_FRACTION["float32"], row["margin"])
        )
    types = dict.fromkeys(("learning_rate", "largest_stable_learning_rate", "least_growth", "growth"), pl.Float64)
    frame = pl.DataFrame([row | dict(zip(list(types)[2:], grown, strict=True))], schema_overrides=types)
    said = learning_rate_verdict()
    verdict, grounds = frame.select(said.verdict, grounds=said.grounds).row(0)
    assert (verdict is None) == (grounds is None)
    assert GROUNDS.get(verdict, grounds) == grounds, "a reason in full stands beside the reason in a few words"
    return verdict


@pytest.mark.parametrize(
    "expected, changed",
    [
        ("agrees", {}),
        ("contradicts", {"status": "diverged"}),
        ("contradicts", {"loss": 1.5}),
        ("contradicts", {"loss": math.nan}),
        ("agrees", {"loss": 1.00001}),  # the start was the minimum, up to rounding
        (OVERSHOT, {"loss": 1.5, "overshoots": True}),
        ("contradicts", {"status": "diverged", "overshoots": True}),
    ],
)
def test_below_the_limit_the_loss_must_not_grow(expected, changed):
    assert judged(**changed) == expected


@pytest.mark.parametrize(
    "expected, changed",
    [
        ("agrees", {"status": "diverged"}),
        ("agrees", {"loss": 0.2}),  # it fell first and grows now
        ("agrees", {"loss": math.inf}),
        ("contradicts", {}),
        (TOO_SHORT, {"step": 1}),  # 5^2 is not yet more than what the loss fell by
    ],
)
def test_above_the_limit_the_loss_must_grow_once_there_was_time(expected, changed):
    assert judged(**{"learning_rate": 6.0, **changed}) == expected


@pytest.mark.parametrize("ratio", [0.992, 1.0, 1.008])
def test_close_to_the_limit_nothing_is_said(ratio):
    assert judged(learning_rate=2.0 * ratio) == TOO_CLOSE
    assert judged(learning_rate=2.0 * ratio, status="diverged") == TOO_CLOSE


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("ratio, expected", [(0.95, ("agrees", "contradicts")), (1.05, ("contradicts", "agrees"))])
def test_five_percent_from_the_limit_a_verdict_is_given(ratio, expected, status):
    assert judged(learning_rate=2.0 * ratio, status=status) == expected[status == "diverged"]


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("ratio", [0.995, 1.005])
def test_half_a_percent_from_the_limit_none_is_given(ratio, status):
    assert judged(learning_rate=2.0 * ratio, status=status) == TOO_CLOSE


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("ratio, expected", [(0.999, ("agrees", "contradicts")), (1.001, (TOO_SHORT, "agrees"))])
def test_in_float64_a_tenth_of_a_percent_is_enough(ratio, expected, status):
    given = judged(margin=MARGIN["float64"], learning_rate=2.0 * ratio, status=status)
    assert given == expected[status == "diverged"]


@pytest.mark.parametrize("first_loss", [math.inf, math.nan, None])
@pytest.mark.parametrize("learning_rate", [1.0, 6.0])
@pytest.mark.parametrize("status", ["done", "diverged"])
def test_a_start_that_is_not_finite_tells_nothing(first_loss, learning_rate, status):
    assert judged(first_loss=first_loss, learning_rate=learning_rate, status=status) == NO_START


def test_one_recorded_loss_does_not_show_that_it_fell():
    assert judged(first_loss=0.1, several_losses=False) == ONE_LOSS
    assert judged(first_loss=0.1, several_losses=False, status="diverged") == "contradicts"


@pytest.mark.parametrize(
    "unknown, reason",
    [
        ({"has_limit": False}, None),
        ({"engine": "closed_form"}, COMPUTED),
        ({"status": "failed"}, None),
        ({"status": "pending"}, None),
        ({"largest_stable_learning_rate": None}, NOT_RECORDED),
        ({"learning_rate": None}, NOT_RECORDED),
        ({"loss": None}, NO_START),
    ],
)
def test_nothing_is_said_where_something_is_missing(unknown, reason):
    assert judged(**unknown) == reason


def test_an_engine_that_is_not_known_has_iterated():
    """Before there was a choice all did, and outcomes of failed trials name none."""
    assert [judged(engine=engine) for engine in ("reference", None)] == ["agrees", "agrees"]


@pytest.mark.parametrize("rule", [PLAIN, Recurrence(0.9, nesterov=False), Recurrence(0.9, nesterov=True)])
def test_a_mode_that_holds_nothing_is_not_expected_to_grow(rule):
    """Exact zeros are never revived; whether rounding revives what is almost nothing, depends on the engine."""
    limit = {PLAIN: 2.0, Recurrence(0.9, nesterov=False): 3.8}.get(rule, 3.8 / 2.8)
    above = {"learning_rate": 1.3 * limit, "largest_stable_learning_rate": limit, "step": 3000, "recurrence": rule}
    for empty in (0.0, 1e-33):
        assert judged(modes_of(empty, 1.0), **above) == EMPTY
        assert judged(modes_of(empty, 1.0), **above, status="diverged") == "agrees"
    assert judged(modes_of(1e-4, 1.0), **above) == "contradicts"
    assert judged(modes_of(1e-4, 1.0), **above, loss=0.2) == "agrees"


def test_the_floor_of_the_loss_counts_as_what_is_there():
    """A mode of 1e-10 that rounding of the data may have made, beside a floor of 1."""
    assert judged(modes_of(1e-10, floor=1.0), learning_rate=6.0) == EMPTY


def test_a_loss_that_rises_by_less_than_a_growing_mode_explains_is_no_agreement():
    """The noise of a loss at its floor rises and falls, whatever the rate."""
    noise = {"first_loss": 1.0, "least_loss": 1e-14, "loss": 2e-14, "learning_rate": 2.1, "step": 2}
    assert judged(modes_of(0.0, 1.0), **noise) == EMPTY
    assert judged(modes_of(1e-3, 1.0), **noise) == "agrees"
    assert judged(modes_of(1e-3, 1.0), **noise, overshoots=True) == TOO_SHORT


def test_points_that_are_gone_leave_nothing_to_say_above_the_limit():
    assert judged(None, learning_rate=6.0) == UNREAD
    assert judged(None, learning_rate=6.0, status="diverged") == "agrees"
    assert judged(None) == "agrees"


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.9, 0.999, 0.99999])
def test_no_error_is_amplified_beyond_the_bound_below_the_limit(momentum, nesterov):
    factor = (2 + 2 * momentum) / (1 + 2 * momentum) if nesterov else 2 + 2 * momentum
    eigenvalues_S = torch.cat(
        [torch.linspace(0.0, 1.0, 400, dtype=torch.float64), 1 - torch.logspace(-9, -2, 100).double()]
    )
    steps_H = torch.cat([torch.arange(200), torch.logspace(2, 7, 200).long()])
    errors_RHS = log_errors(eigenvalues_S, torch.tensor([factor]).double(), steps_H, momentum, nesterov)
    assert errors_RHS.exp().max() <= amplification(Recurrence(momentum, nesterov)) * (1 + 1e-6)


def test_a_heavy_ball_that_overshoots_to_where_trials_count_as_diverged_contradicts_nothing():
    """With momentum 0.99999, close to the limit, an error of 1 grows to 2e5 before it shrinks: its square is 4e10."""
    heavy = {"amplification": amplification(Recurrence(0.99999, nesterov=False)), "overshoots": True}
    assert judged(status="diverged", **heavy) == OVERSHOT
    assert judged(status="diverged", overshoots=True, amplification=4.0) == "contradicts"


@pytest.mark.parametrize("status", ["done", "diverged"])
def test_multiples_of_an_infinite_limit_tell_nothing(status):
    """Features that are all zero have one; infinity times nothing diverges at once."""
    infinite = {"learning_rate": math.inf, "largest_stable_learning_rate": math.inf, "status": status}
    assert judged(None, **infinite) == NO_LIMIT


def test_it_is_said_how_many_trials_theory_was_not_held_against():
    engines = ["reference", None, "closed_form", "closed_form"]
    sentences = [
        not_measured(pl.DataFrame({"engine": engines[:number]}, schema={"engine": pl.String})) for number in range(5)
    ]
    assert sentences[:3] == ["", "", ""]
    assert sentences[3].startswith(
        "1 trial was computed in closed form, which is what theory says: nothing was measured"
    )
    assert sentences[4].startswith("2 trials were computed in closed form")


@pytest.mark.parametrize(
    "limit, optimizer, model, changed",
    [
        (Limit.EXACT, GradientDescent(), Linear(), {}),
        (Limit.EXACT, Momentum(), Linear(), {}),
        (None, Adam(), Linear(), {}),
        (None, LeastSquares(), Linear(), {}),
        (None, GradientDescent(), Shallow(), {}),
        (Limit.MEAN_SQUARE, GradientDescent(), Linear(), {"batch_size": 8}),
        (None, Momentum(), Linear(), {"batch_size": 8}),
        (Limit.EXACT, GradientDescent(), Linear(), {"target": (Xor(),), "loss": HalfMeanSquare()}),
        (Limit.FALLS, GradientDescent(), Linear(), {"target": (Xor(),), "loss": BinaryCrossEntropy()}),
        (Limit.LOCAL, Momentum(), Linear(), {"target": (Xor(),), "loss": BinaryCrossEntropy()}),
    ],
)
def test_a_limit_is_exact_for_descent_on_a_quadratic(limit, optimizer, model, changed):
    experiment = Experiment("?", (model,), (2,), **{"target": (AbsoluteValue(),), "optimizer": optimizer, **changed})
    shape = next(experiment.shapes())
    assert meaning_of_limit(shape) is limit
    assert has_limit(shape) is (limit is Limit.EXACT)


def test_momentum_overshoots_and_gradient_descent_does_not():
    shapes = [
        next(Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), optimizer=optimizer).shapes())
        for optimizer in (GradientDescent(), Momentum())
    ]
    assert [overshoots(shape) for shape in shapes] == [False, True]
