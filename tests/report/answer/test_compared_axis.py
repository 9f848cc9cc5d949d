"""The comparison is the one that is asked for, or that of the first axis that varies."""

from __future__ import annotations

import pytest
from ended_run import ended

from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import Inputs
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import BrierScore, HalfMeanSquare
from pipeline.problems.targets import AbsoluteValue, Sine, Xor
from pipeline.report.answer.compared_axis import compared_trials, comparison_of, ranked_levels


@pytest.mark.parametrize(
    ("fields", "axis"),
    [
        ({"models": (Linear(), Shallow()), "widths": (2, 4), "rates": (0.1, 0.2)}, "model"),
        ({"widths": (2, 4), "rates": (0.1, 0.2)}, "width"),
        ({"rates": (0.1, 0.2)}, "learning_rate"),
        ({"target": (AbsoluteValue(), Sine())}, "problem"),
        ({"dtype": ("float32", "float64"), "rates": (0.1, 0.2)}, "dtype"),
        ({"target": (Xor(),), "loss": (HalfMeanSquare(), BrierScore()), "widths": (2, 4)}, "loss"),
        ({"widths": (2, 4), "rates": (0.1, 0.2), "answers": Answers(compare="learning_rate")}, "learning_rate"),
        ({"target": (AbsoluteValue(), Xor()), "inputs": Inputs(dimension=(2,)), "widths": (2, 4)}, "width"),
        ({}, None),
    ],
)
def test_what_is_compared_follows_from_the_axes_unless_it_is_asked_for(fields, axis):
    tables, _ = ended(lambda _: 1.0, **fields)
    assert comparison_of(tables).axis == axis
    assert comparison_of(tables).by_best


def test_another_diagnostic_than_the_criterion_names_no_best():
    tables, _ = ended(lambda _: 1.0, answers=Answers(by="gradient_norm"))
    assert (comparison_of(tables).by, comparison_of(tables).by_best) == ("gradient_norm", False)


@pytest.mark.parametrize(("at", "width"), [("best_learning_rate", 2), ("largest_width", 8)])
def test_each_value_is_compared_where_it_is_asked_to(at, width):
    answers = Answers(compare="model", at=at)
    tables, _ = ended(lambda trial: float(trial.shape.width), (Linear(), Shallow()), (2, 8), answers=answers)
    assert ranked_levels(compared_trials(tables, comparison_of(tables)))["width"].to_list() == [width] * 2
