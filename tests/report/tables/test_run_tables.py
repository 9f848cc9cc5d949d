"""Panels are named by what differs, and curves of many seeds are those of some of them."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from synthetic_run import tables_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.figures.loss_by_step import loss_curves
from pipeline.report.tables import run_tables
from pipeline.report.tables.run_tables import some_seeds


def test_panels_name_the_problem_by_what_differs():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    inputs = replace(experiment.inputs, noise=(0.0, 0.1), train=(64, 128))
    tables = tables_of(replace(experiment, inputs=inputs), lambda trial: [(0, "test_error", 1.0)])
    assert tables.named["panel_problem"].unique(maintain_order=True).to_list() == [
        f"absolute_value, {train} points, noise {noise}" for train in (64, 128) for noise in (0.0, 0.1)
    ]


def test_of_many_seeds_some_are_taken_evenly_spaced_and_of_few_all(monkeypatch):
    monkeypatch.setattr(run_tables, "MOST_SEEDS", 3)
    curves = pl.DataFrame({"rate": [1.0] * 8 + [2.0] * 3, "width": [4] * 11}).with_row_index("trial")
    assert some_seeds(curves, ["rate", "width"])["trial"].to_list() == [0, 3, 6, 8, 9, 10]
    assert some_seeds(curves.tail(3), ["rate", "width"]).equals(curves.tail(3))


def test_a_curve_is_the_median_over_the_seeds_that_are_taken(monkeypatch):
    """The loss is the number of the seed: 0, 3 and 6 are taken of eight."""
    experiment = Experiment("?", (Shallow(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,), seeds=8, steps=1)
    tables = tables_of(experiment, lambda trial: [(0, "loss", 9.0), (1, "loss", 1.0 + trial.seed)])
    assert loss_curves(tables)[0]["loss"].to_list() == [9.0, 4.5]
    monkeypatch.setattr(run_tables, "MOST_SEEDS", 3)
    assert loss_curves(tables)[0]["loss"].to_list() == [9.0, 4.0]


def test_what_was_recorded_of_some_trials_is_all_that_is_read_of_them():
    experiment = Experiment("?", (Linear(),), (2, 3), target=(AbsoluteValue(),), learning_rates=(0.1,))
    tables = tables_of(experiment, lambda trial: [(0, "loss", 1.0), (0, "test_error", 2.0), (5, "loss", 3.0)])
    one = tables.results.head(1)
    found = tables.records_of(one, "loss").sort("step")
    assert found.rows() == [(one["trial"][0], 0, "loss", 1.0), (one["trial"][0], 5, "loss", 3.0)]
    assert tables.recorded("loss", "test_error")
    assert not tables.recorded("loss", "sharpness")
