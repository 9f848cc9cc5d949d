"""The stability index is drawn against its edge at 1."""

from __future__ import annotations

import json
import math

import pytest
from synthetic_run import drawn, rows_with, tables_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue

WAYS = {0: 0.5, 5: 0.9, 10: 1.0}


def edge(models, rates=(0.1, 1.0), seeds=1, value=lambda trial, index: index):
    """A run that recorded the stability index at three steps."""
    experiment = Experiment("?", models, (2, 4), target=(AbsoluteValue(),), learning_rates=rates, seeds=seeds, steps=10)
    numbers = [(step, "stability_index", index) for step, index in WAYS.items()]
    return tables_of(experiment, lambda trial: [(step, name, value(trial, index)) for step, name, index in numbers])


def test_index_is_drawn_for_each_rate_at_the_greatest_width_with_the_edge_at_one():
    spec = drawn("stability_by_step", edge((Shallow(),), value=lambda trial, index: index * trial.learning_rate))
    shown = {(row["rate"], row["step"]): row["index"] for row in rows_with(spec, "rate", "step")}
    expected = {(f"{rate:g}", step): rate * index for rate in (0.1, 1.0) for step, index in WAYS.items()}
    assert shown == pytest.approx(expected)
    assert [row["index"] for row in rows_with(spec, "text")] == [1.0]
    assert "width 4" in json.dumps(spec)
    assert "width 2" not in json.dumps(spec)


def test_index_is_the_median_of_the_seeds_that_have_one():
    value = lambda trial, index: math.nan if trial.seed == 0 else index + trial.seed  # noqa: E731
    spec = drawn("stability_by_step", edge((Shallow(),), rates=(0.1,), seeds=4, value=value))
    assert {row["step"]: row["index"] for row in rows_with(spec, "rate", "step")} == pytest.approx(
        {step: index + 2 for step, index in WAYS.items()}
    )


def test_index_that_is_recorded_once_is_no_curve():
    experiment = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), learning_rates=(0.1,))
    assert drawn("stability_by_step", tables_of(experiment, lambda trial: [(0, "stability_index", 0.5)])) is None


def test_index_far_beyond_the_edge_is_cut_off():
    spec = drawn("stability_by_step", edge((Shallow(),), value=lambda trial, index: 1e9 * index))
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0.0, 3.0]
    spec = drawn("stability_by_step", edge((Shallow(),), value=lambda trial, index: -index))
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"] == [-1.0, 1.2]
