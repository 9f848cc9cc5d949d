"""What the width does is said as it was measured: falling, lowest in the middle, or not at all."""

from __future__ import annotations

import math

import pytest
from ended_run import answered

from pipeline.experiment.answers import Answers
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue, Sine


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ({2: 4.0, 4: 2.0, 8: 1.0}, "falls from 4 at width 2 to 1 at width 8."),
        ({2: 4.0, 4: 1.0, 8: 2.0}, "falls from 4 at width 2 to 1 at width 4, and is 2 at width 8."),
        ({2: 1.0, 4: 2.0, 8: 4.0}, "is lowest at the smallest width, 1 at width 2, and 4 at width 8."),
        ({2: 1.0, 4: 1.0, 8: 1.0}, "is the same at every width from 2 to 8, 1."),
        ({2: 3.0, 4: math.inf, 8: math.inf}, "is 3 at width 2, the only one with a result."),
    ],
)
def test_the_error_over_the_widths_is_told_as_it_is(errors, said):
    told = answered(lambda trial: errors[trial.shape.width], widths=(2, 4, 8))
    assert told.text == f"The median test error of shallow(relu) {said}"
    assert told.figures[0] == "error_by_width"


def test_widths_that_seeds_do_not_tell_apart_are_named():
    spread = {2: (9, 9, 9, 9, 9), 4: (2, 1, 3.5, 3.6, 6), 8: (1, 2, 3, 4, 5)}
    told = answered(lambda trial: spread[trial.shape.width][trial.seed], widths=(2, 4, 8))
    assert told.text.endswith("to 3 at width 8 (seeds do not tell width 4 from it).")


def test_each_problem_has_its_sentence_and_each_model_its_clause():
    models, targets = (Linear(), Shallow()), (AbsoluteValue(), Sine())
    asked = {"models": models, "target": targets, "answers": Answers(compare="width"), "widths": (2, 4), "seeds": 1}
    falls = "falls from 0.5 at width 2 to 0.25 at width 4"
    assert answered(lambda trial: 1 / trial.shape.width, **asked).sentences == tuple(
        f"On {problem}, the test error of linear(legendre) {falls}; of shallow(relu) {falls}."
        for problem in ("absolute_value", "sine")
    )


def test_a_wider_network_that_is_no_better_but_settles_sooner_is_not_said_to_be_better():
    errors = {2: 1.0, 4: 2.0, 8: 1.0}
    told = answered(
        lambda trial: errors[trial.shape.width], widths=(2, 4, 8), settles=lambda trial: 80 // trial.shape.width
    )
    assert told.text.endswith("is lowest at the smallest width, 1 at width 2, and 1 at width 8.")
