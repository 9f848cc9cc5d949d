"""Panels are named by what differs."""

from __future__ import annotations

from dataclasses import replace

from synthetic_run import tables_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.problems.targets import AbsoluteValue


def test_panels_name_the_problem_by_what_differs():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    inputs = replace(experiment.inputs, noise=(0.0, 0.1), train=(64, 128))
    tables = tables_of(replace(experiment, inputs=inputs), lambda trial: [(0, "test_error", 1.0)])
    assert tables.named["panel_problem"].unique(maintain_order=True).to_list() == [
        f"absolute_value, {train} points, noise {noise}" for train in (64, 128) for noise in (0.0, 0.1)
    ]
