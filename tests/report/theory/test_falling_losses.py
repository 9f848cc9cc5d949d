"""Below the limit of a loss of bounded curvature no step of gradient descent raises it, and a rise contradicts."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
import torch

from pipeline.optimizers.stability_limits import Limit
from pipeline.problems.losses import LOSSES, HalfMeanSquare, Task
from pipeline.report.theory.falling_losses import ABOVE_BOUND, WHY, falling_loss_verdict, greatest_rise
from pipeline.report.theory.stable_rates import (
    LEAST_FRACTION,
    MARGIN,
    NO_LIMIT,
    NO_START,
    NOT_RECORDED,
    ONE_LOSS,
    TOO_CLOSE,
)

TRIAL = {
    "limit": Limit.FALLS.value,
    "margin": MARGIN["float64"],
    "least_fraction": LEAST_FRACTION["float64"],
    "status": "done",
    "learning_rate": 1.0,
    "largest_stable_learning_rate": 2.0,
    "first_loss": 1.0,
    "several_losses": True,
    "greatest_rise": -0.1,
}


def judged(**changed: object) -> str | None:
    types = {name: pl.Float64 for name, value in TRIAL.items() if isinstance(value, float)}
    said = falling_loss_verdict()
    frame = pl.DataFrame([TRIAL | changed], schema_overrides=types)
    verdict, grounds = frame.select(said.verdict, grounds=said.grounds).row(0)
    assert grounds == WHY.get(verdict)
    return verdict


@pytest.mark.parametrize(
    ("expected", "changed"),
    [
        ("agrees", {}),
        ("agrees", {"greatest_rise": 1e-30}),  # the rounding of a sum
        ("contradicts", {"greatest_rise": 1e-3}),
        ("contradicts", {"greatest_rise": math.inf}),
        ("contradicts", {"status": "diverged"}),
        ("contradicts", {"status": "diverged", "several_losses": False}),
        (ONE_LOSS, {"several_losses": False, "greatest_rise": None}),
        (ABOVE_BOUND, {"learning_rate": 2.1, "greatest_rise": 1e-3}),
        (ABOVE_BOUND, {"learning_rate": 2.1, "status": "diverged"}),
        (TOO_CLOSE, {"learning_rate": 2.0, "greatest_rise": 1e-3}),
        (NO_START, {"first_loss": math.nan}),
        (NO_START, {"first_loss": None}),
        (NOT_RECORDED, {"largest_stable_learning_rate": None}),
        (NO_LIMIT, {"learning_rate": math.inf, "largest_stable_learning_rate": math.inf}),
        (None, {"limit": Limit.EXACT.value}),
        (None, {"limit": Limit.LOCAL.value}),
        (None, {"status": "failed"}),
        (None, {"status": "pending"}),
    ],
)
def test_a_rise_below_the_limit_contradicts_and_above_it_says_nothing(expected, changed):
    assert judged(**changed) == expected


@pytest.mark.parametrize(
    ("losses", "rises"),
    [
        ([1.0, 0.5, 0.4, 0.4], False),
        ([1.0, 0.5, 0.51, 0.1], True),
        ([1.0, 0.5, 0.5 * (1 + 1e-5), 0.1], False),  # less than float32 sums may differ by
        ([1.0, math.nan, 0.1], True),
        ([1.0, 0.5, math.inf], True),
    ],
)
def test_the_greatest_rise_is_between_neighbouring_records_in_any_order(losses, rises):
    records = pl.DataFrame({"step": range(len(losses)), "value": losses}).sample(fraction=1, shuffle=True, seed=0)
    rise = records.select(greatest_rise(pl.col("value"), pl.col("step"))).item()
    assert (rise > 0) == rises


def losses_of_descent(loss, times_limit: float, start: float) -> list[float]:
    """Losses of NumPy's gradient descent on a linear model of one output and 12 points, from weights of some length."""
    rng = np.random.default_rng(3)
    features, signs = rng.normal(size=(12, 3)), np.sign(rng.normal(size=(1, 12)))
    outputs = 2 if Task.CLASSES in loss.tasks and Task.LABELS not in loss.tasks else 1
    labels_1P = torch.tensor((signs + 1) / 2)
    targets_KP = torch.cat([labels_1P, 1 - labels_1P])[:outputs]
    rate = times_limit * 2 / (loss.largest_curvature * np.linalg.svd(features, compute_uv=False)[0] ** 2 / 12)
    weights, found = start * rng.normal(size=(outputs, 3)), []
    for _ in range(60):
        outputs_1KP = torch.tensor(weights @ features.T)[None]
        found.append(float(loss(outputs_1KP, targets_KP)[0]))
        weights = weights - rate * loss.gradient(outputs_1KP, targets_KP)[0].numpy() @ features
    return found


@pytest.mark.parametrize("loss", [kind() for kind in LOSSES.values()], ids=LOSSES.keys())
def test_gradient_descent_agrees_below_the_limit_of_every_loss_and_would_contradict_far_above_it(loss):
    """From afar too; at 30 times the limit some step from somewhere raises each of them."""

    def said(times_limit: float, start: float) -> str | None:
        losses = losses_of_descent(loss, times_limit, start)
        frame = pl.DataFrame({"step": range(60), "value": losses})
        rise = frame.select(greatest_rise(pl.col("value"), pl.col("step"))).item()
        return judged(first_loss=losses[0], greatest_rise=rise)

    starts = (0.0, 1.0, 10.0)
    assert {said(times, start) for times in (0.1, 0.7, 0.99) for start in starts} == {"agrees"}
    assert "contradicts" in {said(30.0, start) for start in starts}
    assert isinstance(loss, HalfMeanSquare) == loss.quadratic, "whose limit is exact: it has a verdict of its own"
