"""A plan is shown by problem, model and width before anything of it has run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.report.tables.plan_table import plan_table

EXPERIMENT = Experiment(
    "?", (Linear(), Shallow()), (2, 4), target=(AbsoluteValue(),), learning_rates=(0.1, 1.0), seeds=3
)


def test_every_trial_is_counted_once() -> None:
    table = plan_table(make_plan("test", EXPERIMENT))
    assert table.select("model", "width").rows() == [
        (model, width) for model in ("linear(legendre)", "shallow(relu)") for width in (2, 4)
    ]
    assert table["trials"].to_list() == [2, 2, 6, 6]  # of a linear model one seed is enough
    samples = replace(EXPERIMENT, inputs=Inputs(seed=(0, 1, 2)))
    repeated = plan_table(make_plan("test", samples))
    assert repeated.select("trials", "packs").rows() == [(6, 3), (6, 3), (18, 3), (18, 3)]


def test_the_work_adds_up_to_all_of_it_and_wider_is_more() -> None:
    work = plan_table(make_plan("test", EXPERIMENT))["share of work %"].to_list()
    assert sum(work) == pytest.approx(100)
    assert work[0] < work[1]
    assert work[2] < work[3]


def test_weights_are_those_of_one_trial() -> None:
    # Of a network: an input weight and a bias for each unit, an output weight for each, and a bias.
    weights = plan_table(make_plan("test", EXPERIMENT))["weights"].to_list()
    assert weights == [2, 4, 7, 13]
