"""Descent on a network comes to rest only where its learning rate is stable."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.theory.at_rest import (
    AT_A_KINK,
    AT_THE_EDGE,
    DIVERGED,
    MOVING,
    NO_SHARPNESS,
    NOT_CERTIFIED,
    SHAPE_COLUMNS,
    STUCK,
    at_rest_verdict,
    descent_of_network,
    log_growth_per_step,
)

FLOAT64 = 2.0**-52
TRIAL = {
    "factor": 2.0,
    "momentum": 0.0,
    "nesterov": False,
    "rounding": FLOAT64,
    "rest_margin": 0.0005,
    "kinked": False,
    "status": "done",
    "learning_rate": 1.0,
    "step": 1000,
    "step_before": 800,
    "first_loss": 1.0,
    "loss": 0.5,
    "gradient_norm": 1e-6,
    "gradient_before": 2e-6,
    "first_sharpness": 1.0,
    "sharpness": 1.0,
}


def judged(**changed: object) -> tuple[str | None, str | None]:
    row = TRIAL | changed
    types = {name: pl.Float64 for name, value in TRIAL.items() if isinstance(value, float)}
    said = at_rest_verdict()
    return (
        pl.DataFrame([row], schema_overrides=types | {"nesterov": pl.Boolean})
        .select(verdict=said.verdict, grounds=said.grounds)
        .row(0)
    )


@pytest.mark.parametrize(
    "expected, changed",
    [
        ("agrees", {}),
        ("agrees", {"sharpness": -3.0}),  # a saddle or a plateau: descent does not grow along its top direction
        ("agrees", {"loss": 1.5}),  # a ReLU network whose units have all died on the way up
        ("agrees", {"gradient_norm": 0.0, "gradient_before": 0.0, "loss": 1.0}),  # at rest at once
        (MOVING, {"gradient_norm": 0.1}),
        ("agrees", {"gradient_norm": 0.0022}),  # 1000 g^2 is 0.0048, and a hundredth of what it has fallen by 0.005
        (MOVING, {"gradient_norm": 0.0023}),
        (MOVING, {"gradient_norm": 0.0022, "momentum": 0.5, "factor": 3.0}),  # which goes twice as far on a slope
        (MOVING, {"gradient_norm": 0.1, "gradient_before": 0.1, "loss": 1e-3}),  # a cycle around a minimum
        (MOVING, {"loss": 1 - 1e-12}),  # it has hardly moved yet, and its gradient has not changed
        (MOVING, {"gradient_norm": math.nan}),
        (NOT_CERTIFIED, {"sharpness": math.nan}),
        (NO_SHARPNESS, {"sharpness": None}),
        (NO_SHARPNESS, {"gradient_norm": None}),
        (NO_SHARPNESS, {"loss": None}),
        ("contradicts", {"sharpness": 2.5}),
        ("contradicts", {"sharpness": 2.5, "gradient_norm": 2e-6, "gradient_before": 1e-6}),
        ("agrees", {"sharpness": 2.5, "factor": 3.8, "momentum": 0.9}),
        ("contradicts", {"sharpness": 5.0, "factor": 3.8, "momentum": 0.9}),
        (STUCK, {"sharpness": 2.5, "gradient_norm": 0.0, "gradient_before": 0.0}),
        (STUCK, {"sharpness": 2.5, "gradient_before": 1e-6}),
        (STUCK, {"sharpness": 2.5, "gradient_norm": 1e-14}),  # a few numbers of float64 around the minimum
        (STUCK, {"sharpness": 2.5, "gradient_norm": 1e-5, "rounding": 2.0**-23}),
        (AT_A_KINK, {"sharpness": 2.5, "kinked": True}),  # a kink on a point has another Hessian on its other side
        ("agrees", {"kinked": True}),
        (AT_THE_EDGE, {"sharpness": 2.0005}),
        (AT_THE_EDGE, {"sharpness": 2.5, "step_before": 950}),  # 1.5^50 is not yet 2^52
        (AT_THE_EDGE, {"sharpness": 2.5, "gradient_before": 0.3}),  # it has only just come here
        (DIVERGED, {"status": "diverged", "sharpness": 9.0}),
        (None, {"status": "failed"}),
        (None, {"status": "pending"}),
        (None, {"factor": None, "momentum": None, "nesterov": None}),
    ],
)
def test_what_rests_must_be_stable_and_what_moves_is_not_judged(expected, changed):
    verdict, grounds = judged(**changed)
    assert verdict == expected
    assert (grounds is None) == (verdict is None)


def test_grounds_have_their_numbers():
    assert judged(sharpness=0.86)[1] == "it rests at 0.43 of the largest stable learning rate there"
    assert judged(gradient_norm=0.002)[1] == "it rests at 0.5 of the largest stable learning rate there"
    moved = "as many again could lower the loss by more than 100 % of what they did"
    moving = f"still moving after 1000 steps (gradient 0.05): {moved}"
    assert judged(gradient_norm=0.05)[1] == moving
    assert (
        judged(status="diverged", first_sharpness=9.0)[1] == "diverged after 1000 steps, at 4.5 of its limit at step 0"
    )
    assert judged(status="diverged", first_sharpness=None)[1] == "diverged after 1000 steps"
    assert judged(status="diverged", first_sharpness=None, step=1)[1] == "diverged after 1 step"
    assert judged(step=1, gradient_norm=1.0)[1].startswith("still moving after 1 step (gradient 1.0)")


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("times_limit", [1.0, 1.001, 1.3, 4.0])
def test_growth_above_the_limit_is_the_spectral_radius_of_the_step(nesterov, momentum, times_limit):
    """The step as a matrix on (w, v), written from the rules themselves: v = b v + x w, w = w - v, or w - x w - b v."""
    x = times_limit * (Nesterov(momentum) if nesterov else Momentum(momentum)).stability_factor()
    velocity = np.array([x, momentum])
    weight = np.array([1 - x, 0.0]) - momentum * velocity if nesterov else np.array([1.0, 0.0]) - velocity
    radius = np.abs(np.linalg.eigvals([weight, velocity])).max()
    growth = log_growth_per_step(pl.lit(x), pl.lit(momentum), pl.lit(nesterov))
    assert pl.select(growth).item() == pytest.approx(np.log(radius), abs=1e-7)


def two_layers(rates: np.ndarray, weights: np.ndarray, steps: int) -> pl.DataFrame:
    """Gradient descent on ``(u v - 1)^2 / 2``, whose minima ``u v = 1`` have the eigenvalue ``u^2 + v^2``."""
    recorded = {}
    first = (weights.prod(axis=1) - 1) ** 2 / 2
    for step in range(steps + 1):
        residuals = weights.prod(axis=1) - 1
        gradients = residuals[:, None] * weights[:, ::-1]
        recorded[step] = np.linalg.norm(gradients, axis=1)
        if step < steps:
            weights = weights - rates[:, None] * gradients
    finite = np.isfinite(weights).all(axis=1)
    u, v = np.where(finite[:, None], weights, 1.0).T
    hessians = np.moveaxis(np.array([[v * v, 2 * u * v - 1], [2 * u * v - 1, u * u]]), 2, 0)
    before = steps * 4 // 5
    return pl.DataFrame(
        {
            "status": np.where(finite, "done", "diverged"),
            "learning_rate": rates,
            "step": steps,
            "step_before": before,
            "first_loss": first,
            "loss": residuals**2 / 2,
            "gradient_norm": recorded[steps],
            "gradient_before": recorded[before],
            "first_sharpness": 1.0,
            "sharpness": np.linalg.eigvalsh(hessians)[:, 1],
        }
    ).with_columns(**{name: pl.lit(TRIAL[name]) for name in SHAPE_COLUMNS})


def verdicts_of(frame: pl.DataFrame) -> list[str]:
    return frame.select(at_rest_verdict().verdict)["verdict"].to_list()


@np.errstate(all="ignore")
def test_descent_on_a_product_of_two_weights_rests_at_stable_minima_alone():
    """No minimum of it is stable from the rate 1 on: the flattest has the eigenvalue 2."""
    rng = np.random.default_rng(0)
    weights, rates = rng.normal(scale=1.5, size=(2000, 2)), rng.uniform(0.05, 1.2, size=2000)
    frame = two_layers(rates, weights, 2000)
    said = verdicts_of(frame)
    assert set(said) <= {"agrees", MOVING, DIVERGED}
    assert said.count("agrees") > 1000
    rests = frame.filter(pl.Series(said) == "agrees")
    assert rests["loss"].max() < 1e-6
    assert (rests["sharpness"] * rests["learning_rate"]).max() <= 2
    assert rests["learning_rate"].max() < 1
    assert (rests["sharpness"] * rests["learning_rate"]).max() > 1.9, "some come to rest close to the limit"


def test_a_start_exactly_at_an_unstable_minimum_stays_and_contradicts_nothing():
    """(2, 1/2) has the eigenvalue 4.25. What starts beside it leaves, and comes to rest at a flatter minimum."""
    exactly, beside = np.array([2.0, 0.5]), np.array([2.0, 0.5 + 1e-13])
    assert verdicts_of(two_layers(np.full(2, 0.6), np.stack([exactly, beside]), 1000)) == [STUCK, "agrees"]


@pytest.mark.parametrize(
    "optimizer, model, changed, factor",
    [
        (GradientDescent(), Shallow(), {}, 2.0),
        (Momentum(0.5), Shallow(), {}, 3.0),
        (Nesterov(0.5), Shallow(), {}, 1.5),
        (Adam(), Shallow(), {}, None),
        (GradientDescent(), Shallow(), {"batch_size": 8}, None),
        (GradientDescent(), Linear(), {}, None),
    ],
)
def test_full_batch_descent_on_a_network_is_judged_by_the_factor_of_its_optimizer(optimizer, model, changed, factor):
    experiment = Experiment("?", (model,), (4,), target=(AbsoluteValue(),), optimizer=optimizer, **changed)
    known = descent_of_network(next(experiment.shapes()))
    assert known.factor == factor
    assert len(known) == len(SHAPE_COLUMNS)
