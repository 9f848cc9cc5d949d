"""A comparison that an experiment does not make is refused, with those that it makes."""

import pytest

from pipeline.diagnostics.convergence import TestError
from pipeline.experiment.answers import Answers


@pytest.mark.parametrize("axis", ["model", "width", "learning_rate"])
def test_an_axis_that_varies_can_be_compared(experiment, axis):
    assert experiment(answers=Answers(compare=axis, by="test_error")).answers.compare == axis


def test_an_axis_of_one_value_is_refused_and_the_hint_names_those_that_vary(experiment, refuses):
    with refuses(("answers", "compare"), "there is one loss only, so nothing is compared") as told:
        experiment(answers=Answers(compare="loss"))
    assert told.value.hint == "take one of what varies: model, width, learning_rate"


def test_where_nothing_varies_no_comparison_is_proposed(experiment, refuses):
    with refuses(("answers", "compare"), "there is one model only") as told:
        experiment(models=experiment().models[:1], widths=(2,), learning_rates=(0.1,), answers=Answers(compare="model"))
    assert told.value.hint == "leave it out: nothing varies here"


def test_a_diagnostic_that_is_not_recorded_is_refused(experiment, refuses):
    with refuses(("answers", "by"), "'test_eror' is not recorded") as told:
        experiment(answers=Answers(by="test_eror"))
    assert told.value.hint.startswith("add it to diagnostics; did you mean 'test_error'?")
    with refuses(("answers", "by"), "'loss' is not recorded"):
        experiment(diagnostics=(TestError(),), answers=Answers(by="loss"))
