"""The norms of gradient and weights are drawn together or not at all."""

from __future__ import annotations

import json

import pytest
from synthetic_run import drawn, rows_with, tables_of

from pipeline.experiment.experiment import Experiment
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue


def growing(rates=(0.1, 1.0), names=("gradient_norm", "weight_norm"), status="done"):
    """A run whose weights grow with the step and the learning rate, and whose gradients fall."""
    experiment = Experiment(
        "?", (Shallow(),), (2, 4), target=(AbsoluteValue(),), learning_rates=rates, seeds=3, steps=10
    )
    exponent = {"gradient_norm": -1, "weight_norm": 1}

    def numbers(trial):
        sizes = [(step, (1 + step + trial.seed) * trial.learning_rate) for step in (0, 10)]
        return [(step, name, size ** exponent[name]) for step, size in sizes for name in names]

    return tables_of(experiment, numbers, status)


def test_norms_of_trials_that_diverged_are_not_drawn():
    assert drawn("weights_by_step", growing(status="diverged")) is None


def test_both_norms_are_drawn_for_each_rate_at_the_greatest_width():
    spec = drawn("weights_by_step", growing())
    shown = {(row["norm"], row["rate"], row["step"]): row["value"] for row in rows_with(spec, "norm", "rate")}
    sizes = {(f"{rate:g}", step): (2 + step) * rate for rate in (0.1, 1.0) for step in (0, 10)}  # of the middle seed
    expected = {("weight norm", *key): size for key, size in sizes.items()}
    assert shown == pytest.approx(
        expected | {("gradient norm", *key): 1 / size for key, size in sizes.items()}, rel=1e-5
    )
    assert "width 4" in json.dumps(spec)
    assert "width 2" not in json.dumps(spec)


def test_one_norm_alone_says_nothing_about_the_other():
    assert drawn("weights_by_step", growing(names=("gradient_norm",))) is None
