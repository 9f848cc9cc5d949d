"""What is proved of the descent of a trial follows from its records, and a loss that rises there contradicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from synthetic_run import results_of

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.activations import ACTIVATIONS, Sigmoid, Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, Momentum
from pipeline.plans import make_plan
from pipeline.problems.losses import BinaryCrossEntropy
from pipeline.problems.targets import AbsoluteValue, Xor
from pipeline.report.theory import proved_descent
from pipeline.report.theory.proved_descent import KINKS, can_be_proved, proved_descent_verdict, unproved_kinks

STEPS = 10
EXPERIMENT = Experiment(
    "?",
    (Shallow(Tanh()),),
    (4,),
    target=(AbsoluteValue(),),
    learning_rates=(0.01,),
    seeds=1,
    steps=STEPS,
    record_at=(0, 1, 2, 3),
    dtype="float64",
)
LOSSES = {0: 0.5, 1: 0.49, 2: 0.48, 3: 0.47, STEPS: 0.45}
EVERY = tuple(LOSSES)


def judged(
    losses: dict[int, float] = LOSSES,
    sharpness: float = 3.0,
    gradient: float = 1.0,
    seen: tuple[int, ...] = EVERY,
    status: str = "done",
    **fields: Any,
) -> dict[str, Any]:
    """The row of a trial with these losses, and the same sharpness at some and gradient at all of its records."""

    def numbers(trial: Trial) -> list[tuple[int, str, float]]:
        recorded = [(step, "loss", loss) for step, loss in losses.items()]
        recorded += [(step, "gradient_norm", gradient) for step in losses]
        return recorded + [(step, "sharpness", sharpness) for step in seen]

    return results_of(replace(EXPERIMENT, **fields), numbers, status).row(0, named=True)


def test_a_trial_whose_steps_are_all_proved_agrees():
    found = judged()
    assert found["verdict"] == "agrees"
    assert found["grounds"] == f"descends, proved: each of its {STEPS} steps lowers the loss, to rounding"


def test_one_step_is_its_only_step():
    frame = pl.DataFrame({"step": [1], "proved_steps": [1], "rises_where_proved": [False]})
    grounds = frame.select(proved_descent_verdict().grounds).item()
    assert grounds == "descends, proved: its only step lowers the loss, to rounding"


@pytest.mark.parametrize("at", [1, STEPS])
def test_a_loss_that_rises_where_it_is_proved_to_fall_contradicts(at):
    assert judged(LOSSES | {at: 0.51})["verdict"] == "contradicts"
    assert judged(LOSSES | {at: LOSSES[at] + 1e-12})["verdict"] == "agrees"


@pytest.mark.parametrize(
    ("changed", "proved", "why"),
    [
        (
            {"sharpness": 300.0},
            "0 of its 10",
            "the rate is too large for the bound on how the Hessian changes at step 0",
        ),
        (
            {"sharpness": 150.0, "gradient": 300.0},
            "0 of its 10",
            "the rate is too large for the bound on how the Hessian changes at step 0",
        ),
        ({"sharpness": 150.0, "gradient": 60.0}, "3 of its 10", "the records are too far apart at step 3"),
        (
            {"sharpness": 180.0, "gradient": 20.0, "seen": (0, STEPS)},
            "2 of its 10",
            "the rate is too large for the bound",
        ),
    ],
)
def test_what_is_missing_is_said_behind_other_grounds(changed, proved, why):
    found = judged(**changed)
    assert found["verdict"] not in ("agrees", "contradicts")
    assert f"; {proved} steps are proved to lower the loss: {why}" in found["grounds"]


def test_nothing_is_said_of_trials_that_cannot_be_proved():
    without = [{"seen": (STEPS,)}, {"status": "diverged"}, {"optimizer": Momentum()}, {"models": (Shallow(),)}]
    assert not any("proved" in judged(**fields)["grounds"] for fields in without)


def test_of_kinks_it_is_said_once_why_nothing_is_proved():
    for kind in ACTIVATIONS.values():
        plan = make_plan("test", replace(EXPERIMENT, models=(Shallow(kind()), Linear())))
        assert unproved_kinks(plan) == (KINKS if kind.kinked else "")
    assert not unproved_kinks(make_plan("test", replace(EXPERIMENT, models=(Shallow(),), optimizer=Adam())))


def test_what_is_proved_does_not_depend_on_the_trials_beside(monkeypatch):
    """Of two packs, and of one trial at a time."""
    experiment = replace(EXPERIMENT, widths=(2, 4), learning_rates=(0.01, 0.6), seeds=2)

    def numbers(trial):
        return [(step, name, 1.0 / (step + 1)) for step in EVERY for name in ("loss", "gradient_norm", "sharpness")]

    together = results_of(experiment, numbers)
    assert together["grounds"].n_unique() == 2
    monkeypatch.setattr(proved_descent, "MOST_TRIALS", 1)
    assert results_of(experiment, numbers).equals(together)


def shape_of(model: Any, **fields: Any) -> Any:
    return next(replace(EXPERIMENT, models=(model,), **fields).shapes())


@pytest.mark.parametrize(
    ("expected", "model", "fields"),
    [
        (True, Shallow(Tanh()), {}),
        (True, Shallow(Sigmoid()), {}),
        (True, Shallow(Tanh()), {"optimizer": Momentum(0.0)}),
        (False, Shallow(), {}),
        (False, Linear(), {}),
        (False, Shallow(Tanh()), {"optimizer": Momentum(0.5)}),
        (False, Shallow(Tanh()), {"optimizer": Adam()}),
        (False, Shallow(Tanh()), {"batch_size": 8}),
        (False, Shallow(Tanh()), {"loss": BinaryCrossEntropy(), "target": (Xor(),)}),
    ],
)
def test_gradient_descent_on_squares_and_smooth_networks_can_be_proved(expected, model, fields):
    assert can_be_proved(shape_of(model, **fields)) is expected
