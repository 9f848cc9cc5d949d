"""How far networks depart from their linearised ones is read off the records, and fitted over widths."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl
import pytest

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Trial
from pipeline.models.activations import Tanh
from pipeline.models.initialisations import Glorot, Lecun
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent, Momentum
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine
from pipeline.records.schema import FITTED_SAMPLES, OUTCOMES, RECORDS
from pipeline.report.tables.departures import SLOWER, departures, theory_of
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables
from pipeline.report.theory.linearised_networks import linearised_of_plan

WIDTHS = (4, 8, 16, 32, 64)
LECUN = Shallow(Tanh(), Lecun())


def departed(off: Callable[[Trial, float], float], widths=WIDTHS, diverged: Callable[[Trial], bool] = lambda _: False):
    """A run whose root mean square training errors are those of the linearised networks and a difference."""
    arguments = {"target": (Sine(),), "learning_rates": (1e-4, 1e-3), "seeds": 2, "steps": (30,)}
    plan = make_plan("test", Experiment("?", (LECUN,), widths, **arguments))
    used = [(trial.id, trial.learning_rate) for trial in plan.trials.values()]
    rates = pl.DataFrame(used, schema=["trial", "learning_rate"], orient="row")
    curves = linearised_of_plan(plan, rates, None).curves
    rows = []
    for trial, step, loss, _ in curves.iter_rows():
        error = math.sqrt(2 * loss) + off(plan.trials[trial], step)
        rows.append((trial, step, "loss", error**2 / 2, "pack"))
    records = pl.DataFrame(rows, schema=RECORDS, orient="row")
    where = (0.1, "fused", "cpu", "host", "0.1.0", "pack", "", 1, "", "", "")
    ended = [
        (trial.id, "diverged" if diverged(trial) else "done", 30, "", trial.learning_rate, *where)
        for trial in plan.trials.values()
    ]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row")
    table = results(plan, records, outcomes)
    return RunTables(plan, table, records, pl.DataFrame(schema=FITTED_SAMPLES))


def row_of(tables: RunTables) -> dict:
    (row,) = departures(tables).iter_rows(named=True)
    return row


@pytest.mark.parametrize(("power", "expected"), [(-1.0, "agrees"), (-0.2, SLOWER)])
def test_the_power_of_the_width_is_found_and_held_against_the_bound(power, expected):
    row = row_of(departed(lambda trial, step: 0.1 * trial.shape.width**power * step / 30 * (1 + 0.05 * trial.seed)))
    assert row["power"] == pytest.approx(power, abs=1e-6)
    assert (row["width"], row["learning_rate"], row["theory"]) == (64, 1e-3, -0.5)
    assert row["verdict"] == expected


def test_it_holds_up_to_the_last_step_before_losses_part_and_the_end_has_its_ratio():
    """By a fifth of the error from step 10 on, which is 44 % of the loss."""
    tables = departed(lambda trial, step: 0.0)
    curves = {(trial, step): loss for trial, step, loss, _ in tables.linearised.curves.iter_rows()}
    row = row_of(departed(lambda trial, step: 0.2 * math.sqrt(2 * curves[trial.id, step]) * (step >= 10)))
    before = max(step for step in tables.plan.experiment.recorded_steps() if step < 10)
    assert row["holds_until"] == before
    assert row["loss_ratio"] == pytest.approx(1.44)


def test_a_network_that_follows_its_linearised_one_has_no_power():
    row = row_of(departed(lambda trial, step: 0.0))
    assert row["holds_until"] == 30
    assert row["verdict"].startswith("cannot say")


def test_few_widths_are_refused():
    row = row_of(departed(lambda trial, step: 0.01 / trial.shape.width, widths=(4, 8, 16, 32)))
    assert row["power"] is None
    assert row["verdict"].startswith("cannot say")


def test_a_rate_at_which_some_trial_diverges_is_passed_over():
    tables = departed(lambda trial, step: 0.01, diverged=lambda trial: trial.learning_rate == 1e-3)
    assert row_of(tables)["learning_rate"] == 1e-4
    assert departures(departed(lambda trial, step: 0.01, diverged=lambda trial: True)).is_empty()


@pytest.mark.parametrize(
    ("model", "optimizer", "expected"),
    [
        (LECUN, GradientDescent(), (-0.5, "")),
        (LECUN, Momentum(), (None, "proved for gradient descent, not for momentum")),
        (
            Shallow(Tanh(), Glorot()),
            GradientDescent(),
            (None, "no limit from glorot: its hidden weights shrink as the width grows"),
        ),
    ],
    ids=str,
)
def test_what_theory_says_depends_on_the_rule_and_the_start(model, optimizer, expected):
    experiment = Experiment("?", (model,), (4,), target=(Sine(),), optimizer=(optimizer,))
    assert theory_of(next(experiment.shapes())) == expected
