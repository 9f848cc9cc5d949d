"""Two experiments differ in the fields that a person would write otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.written_fields import ONE_OR_SEVERAL, differing_fields, written_fields
from pipeline.models.linear import Linear
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.problems.losses import HalfMeanSquare
from pipeline.problems.targets import AbsoluteValue

EXPERIMENT = Experiment("?", (Linear(),), (2,), target=(AbsoluteValue(),), loss=HalfMeanSquare())


@pytest.mark.parametrize("name", ONE_OR_SEVERAL)
def test_one_value_and_a_list_of_it_are_written_alike(name):
    listed = replace(EXPERIMENT, **{name: (getattr(EXPERIMENT, name),)})
    assert written_fields(listed) == written_fields(EXPERIMENT)
    assert differing_fields(EXPERIMENT, listed) == []


def test_one_optimizer_and_several_differ_in_one_field():
    assert differing_fields(EXPERIMENT, replace(EXPERIMENT, optimizer=(GradientDescent(), Adam()))) == ["optimizer"]


def test_a_field_is_named_by_its_place_and_those_that_no_record_depends_on_are_not():
    other = replace(
        EXPERIMENT,
        question="Why?",
        inputs=Inputs(noise=(0.5,)),
        learning_rates=TimesLimits((0.5,)),
        checkpoint_seconds=9.0,
    )
    assert differing_fields(EXPERIMENT, other) == ["inputs.noise", "learning_rates"]
    assert written_fields(other)["inputs.noise"] == "[0.5]"
