"""Linearised networks of a run: of whom there are any, from which weights they start, and what is too much."""

from __future__ import annotations

import polars as pl
import pytest
import torch

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.initial_weights import initial_weights_of
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.models.tangent_kernel import linearised_loss_curves, linearised_losses
from pipeline.optimizers.rules import Adam, Momentum
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine, Xor
from pipeline.report.theory import linearised_networks
from pipeline.report.theory.linearised_networks import can_be_linearised, linearised_of_plan


def plan_of(**fields):
    arguments = {"target": (Sine(),), "learning_rates": (0.01, 0.1), "seeds": 3, "steps": (20,)} | fields
    return make_plan("test", Experiment("?", arguments.pop("models", (Shallow(),)), (2, 4), **arguments))


def rates_of(plan) -> pl.DataFrame:
    """What the results say of the learning rates of a plan whose trials have run."""
    rows = [(trial.id, trial.learning_rate) for trial in plan.trials.values()]
    return pl.DataFrame(rows, schema={"trial": pl.String, "learning_rate": pl.Float64}, orient="row")


def test_each_trial_has_the_curve_of_its_own_initial_weights_and_learning_rate(tmp_path):
    plan = plan_of(optimizer=(Momentum(),))
    found = linearised_of_plan(plan, rates_of(plan), tmp_path)
    assert found.left_out == []
    assert set(found.curves["trial"]) == plan.trials.keys()
    trial = next(iter(plan.trials.values()))
    dataset, steps = trial.shape.problem.load(), plan.experiment.recorded_steps()
    weights_TN = initial_weights_of([trial], torch.float64)
    start = linearised_losses(Shallow(), weights_TN, 2, dataset.train_inputs_PD, dataset.train_targets_PK)
    rate_T = torch.tensor([trial.learning_rate]).double()
    curve = linearised_loss_curves(start, rate_T, torch.tensor(steps), *Momentum().on_quadratics())
    of_trial = found.curves.filter(pl.col("trial") == trial.id)
    assert of_trial["step"].to_list() == list(steps)
    assert of_trial["linearised_loss"].to_list() == pytest.approx(curve[0].tolist())
    expected = trial.learning_rate * float(start.eigenvalues_TS[0, 0]) / Momentum().stability_factor()
    assert of_trial["rate_over_limit"].to_list() == pytest.approx([expected] * len(steps))


def test_curves_are_read_again_and_another_learning_rate_has_its_own(tmp_path, monkeypatch):
    plan = plan_of()
    before = linearised_of_plan(plan, rates_of(plan), tmp_path)
    monkeypatch.setattr(linearised_networks, "linearised_losses", None)
    assert linearised_of_plan(plan, rates_of(plan), tmp_path).curves.equals(before.curves)
    with pytest.raises(TypeError, match=r"^'NoneType' object is not callable$"):
        linearised_of_plan(plan, rates_of(plan).with_columns(pl.col("learning_rate") * 2), tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"models": (Linear(),)},
        {"optimizer": (Adam(),)},
        {"batch_size": (8,)},
        {"target": (Xor(),)},
    ],
    ids=str,
)
def test_without_a_quadratic_of_all_points_nothing_is_linearised(changed):
    plan = plan_of(**changed)
    assert not any(can_be_linearised(pack.shape) for pack in plan.packs)
    assert linearised_of_plan(plan, rates_of(plan), None).curves.is_empty()


def test_trials_without_a_learning_rate_yet_are_waited_for():
    plan = plan_of()
    assert linearised_of_plan(plan, rates_of(plan).head(1), None).curves["trial"].n_unique() == 1


def test_a_kernel_of_too_many_points_is_left_out_with_its_memory(monkeypatch):
    monkeypatch.setattr(linearised_networks, "MOST_ROWS", 10)
    plan = plan_of()
    found = linearised_of_plan(plan, rates_of(plan), None)
    assert {plan.trials[trial].shape.width for trial in found.curves["trial"]} == {2}  # of 7 weights
    assert found.left_out == [
        "sine, shallow(relu), width 4: no linearised network, whose kernel would have 13 rows (0 MiB), above 10."
    ]


def test_where_all_would_take_long_the_first_seeds_are_taken(monkeypatch):
    plan = plan_of()
    steps = len(plan.experiment.recorded_steps())
    of_all_seeds = sum(linearised_networks.work_of_a_trial(pack.shape, steps) * len(pack.trials) for pack in plan.packs)
    monkeypatch.setattr(linearised_networks, "MOST_WORK", of_all_seeds * 2.5 / 3)
    found = linearised_of_plan(plan, rates_of(plan), None)
    assert sorted({plan.trials[trial].seed for trial in found.curves["trial"]}) == [0, 1]
    assert found.left_out == [
        "The linearised networks of all seeds would take long: only those of 2 of 3 seeds are computed."
    ]
    monkeypatch.setattr(linearised_networks, "MOST_WORK", 0)
    none = linearised_of_plan(plan, rates_of(plan), None)
    assert none.curves.is_empty()
    assert none.left_out == ["The linearised networks of all seeds would take long: none is computed."]
