"""A training curve ends where its trials diverge."""

from __future__ import annotations

import polars as pl
from synthetic_run import drawn, rows_with

from pipeline.experiment.experiment import Experiment
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records.schema import OUTCOMES, RECORDS
from pipeline.report.figures.loss_by_step import loss_curves
from pipeline.report.tables.results import results
from pipeline.report.tables.run_tables import RunTables


def test_loss_curves_stop_where_trials_diverge_and_a_cross_says_when(run):
    spec = drawn("loss_by_step", run.tables)
    at_start = {row["loss"] for row in rows_with(spec, "loss", "step") if row["step"] == 0}
    assert at_start == {1.0}
    crosses = rows_with(spec, "ceiling")
    assert {row["step"] for row in crosses} == {7}
    assert {row["rate"] for row in crosses} == {"4"}
    assert {row["trials"] for row in crosses} == {2}
    assert not [row for row in rows_with(spec, "loss", "step") if row["rate"] == "4" and row["step"] == 10]


def test_a_median_counts_diverged_trials_as_infinite():
    experiment = Experiment(
        "?", (Shallow(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=3, steps=10
    )
    plan = make_plan("test", experiment)
    first, *others = plan.trials
    starts = [(trial, 0, "loss", 1.0, "pack") for trial in plan.trials]
    records = pl.DataFrame([*starts, (first, 10, "loss", 0.2, "pack")], schema=RECORDS, orient="row")
    statuses = [(first, "done"), *((trial, "diverged") for trial in others)]
    ended = [
        (trial, status, 10, "", 0.1, 0.1, "e", "d", "h", "v", "p", "", 1, "", "", "") for trial, status in statuses
    ]
    outcomes = pl.DataFrame(ended, schema=OUTCOMES, orient="row")
    curves, marks = loss_curves(RunTables(plan, results(plan, records, outcomes), records, pl.DataFrame()))
    assert curves.select("step", "loss").rows() == [(0, 1.0)]  # at step 10 two of three are infinite
    assert marks["trials"].to_list() == [2]
