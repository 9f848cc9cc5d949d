"""The verdict is about what was asked, and about the trials where theory says nothing about that."""

from __future__ import annotations

import pytest
from ended_run import answered

from pipeline.models.activations import Tanh
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.report.answer.question_verdict import DESCENT


def test_without_a_claim_about_the_comparison_it_is_the_one_on_the_trials():
    told = answered(lambda _: 0.1, models=(Shallow(), Shallow(Tanh())), rates=(0.1,))
    assert told.about == DESCENT
    assert told.verdict


@pytest.mark.parametrize(("power", "about"), [(-1.5, "rates of approximation"), (-0.1, DESCENT)])
def test_errors_that_fall_as_fast_as_a_bound_agree_with_it(power, about):
    """Of |x|, which is of smoothness 3/2, by polynomials; a slower fall is no contradiction, and not told."""
    models, widths = (Linear(), Linear(Monomial())), (2, 4, 8, 16, 32, 64)
    fields = {"models": models, "widths": widths, "seeds": 1, "dtype": "float64"}
    assert answered(lambda trial: trial.shape.width**power / 10, **fields).about == about
