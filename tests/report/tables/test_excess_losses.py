"""Descent is compared with its prediction curve by curve, and what slows it down is named."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import polars as pl
import pytest
import torch

from pipeline.diagnostics.convergence import TestError as RecordedTestError
from pipeline.diagnostics.prediction import ExcessLoss, PredictedSteps
from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.descent import Modes, loss_curve
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Recurrence
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records import store
from pipeline.report.tables.excess_losses import CLOSED, DEVIATION, NO_STEP, compare_curves, predicted_and_measured
from pipeline.report.tables.results import results
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

EXPERIMENT = Experiment(
    "?",
    (Linear(Monomial()), Linear()),
    (5,),
    target=(AbsoluteValue(),),
    inputs=Inputs(train=(64,), noise=(0.1,)),
    learning_rates=TimesLimits((0.1, 0.5, 0.99, 1.05)),
    seeds=1,
    steps=300,
    dtype="float64",
    diagnostics=(RecordedTestError(), ExcessLoss(), PredictedSteps(0.01)),
)
RULES = [kind() for kind in OPTIMIZERS.values() if kind().on_quadratics()]


def read(plan, folder):
    records, outcomes = store.read_records(folder), store.read_outcomes(folder)
    return results(plan, records, outcomes), records, outcomes


def trained(experiment, folder):
    plan = make_plan("test", experiment)
    run_plan(plan, folder, TrainingProgress(io.StringIO()))
    return plan, *read(plan, folder)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label())
def test_descent_agrees_with_its_prediction_at_every_rate(rule, dtype, tmp_path):
    table = predicted_and_measured(*trained(replace(EXPERIMENT, optimizer=rule, dtype=dtype), tmp_path))
    assert table.height == 8
    assert set(table["verdict"]) == {"agrees"}
    near = {"float32": 1e-3, "float64": 1e-9}[dtype]
    assert table["contraction"].to_list() == pytest.approx(table["predicted_contraction"].to_list(), rel=near)
    assert (table["deviation"] < DEVIATION[dtype]).all()
    growing = table.filter(pl.col("times_limit") > 1)
    assert (growing["contraction"] > 1).all()
    assert (growing["mode"] == 0).all()
    assert (growing["predicted_steps"] == math.inf).all()
    steps = set(EXPERIMENT.recorded_steps())
    for row in table.filter(pl.col("times_limit") < 1).iter_rows(named=True):
        reached = min((step for step in steps if step >= row["predicted_steps"]), default=None)
        if rule.slots == 0:
            assert row["measured_steps"] == reached
        elif row["measured_steps"]:  # the loss may have risen again at the next recorded step
            assert row["measured_steps"] >= reached


def test_a_curve_that_is_off_contradicts_and_one_in_closed_form_says_nothing(tmp_path):
    plan, table, records, outcomes = trained(EXPERIMENT, tmp_path)
    late = (pl.col("diagnostic") == "excess_loss") & (pl.col("step") == 300)
    wrong = records.with_columns(value=pl.when(late).then(pl.col("value") * 1.01).otherwise("value"))
    found = predicted_and_measured(plan, table, wrong, outcomes).filter(pl.col("model") == "linear(monomial)")
    assert found.filter(pl.col("times_limit") < 1)["verdict"].to_list() == ["contradicts"] * 3
    formula = outcomes.with_columns(engine=pl.lit("closed_form"))
    assert set(predicted_and_measured(plan, table, records, formula)["verdict"]) == {CLOSED}
    after = (pl.col("diagnostic") == "excess_loss") & (pl.col("step") > 0)
    gone = records.with_columns(value=pl.when(after).then(0.0).otherwise("value"))
    assert set(predicted_and_measured(plan, table, gone, outcomes)["verdict"]) == {NO_STEP}
    start = records.filter(pl.col("step") == 0)  # as where all trials diverge before they are looked at again
    assert predicted_and_measured(plan, table, start, outcomes).is_empty()


def test_nothing_is_compared_where_nothing_is_predicted(tmp_path):
    for number, changed in enumerate(({"models": (Shallow(),), "learning_rates": (0.1,)}, {"batch_size": 8})):
        found = predicted_and_measured(*trained(replace(EXPERIMENT, **changed), tmp_path / str(number)))
        assert found.is_empty()


def test_before_anything_ran_there_is_nothing(tmp_path):
    plan = make_plan("test", EXPERIMENT)
    assert predicted_and_measured(plan, *read(plan, tmp_path)).is_empty()


def test_the_mode_that_is_left_is_named_and_rounding_is_not_compared():
    """Two modes, the fast one gone after 100 steps: what is measured below the least excess counts for nothing."""
    modes = Modes(torch.tensor([1.0, 0.01]).double(), torch.tensor([1.0, 1e-3]).double(), torch.tensor(7.0).double())
    rates, steps = torch.tensor([0.5], dtype=torch.float64), torch.tensor([0, 1, 100, 200, 5000])
    exact = loss_curve(modes, rates, steps) - modes.floor
    measured = exact.clone()
    measured[0, 4] = 1e-20  # predicted are 2e-25
    found = compare_curves(modes, rates, steps, measured, Recurrence(0.0, nesterov=False), "float64")
    assert found["mode"].tolist() == [1]
    assert float(found["contraction"]) == pytest.approx((1 - 0.005) ** 2, rel=1e-9)
    assert float(found["predicted_contraction"]) == pytest.approx((1 - 0.005) ** 2, rel=1e-9)
    assert float(found["deviation"]) < 1e-9
    gap = exact.clone()
    gap[0, 2] = torch.nan  # what comes after something that was not recorded is not compared
    gap[0, 3:] *= 7
    broken = compare_curves(modes, rates, steps, gap, Recurrence(0.0, nesterov=False), "float64")
    assert float(broken["contraction"]) == pytest.approx(float(exact[0, 1] / exact[0, 0]))
    assert float(broken["deviation"]) < 1e-9
    early = compare_curves(modes, rates, steps[:2], exact[:, :2], Recurrence(0.0, nesterov=False), "float64")
    assert early["mode"].tolist() == [0]
