"""The verdict is about what was asked, and about the trials where theory says nothing about that."""

from __future__ import annotations

import math

import pytest
from ended_run import answered

from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import TimesLimits
from pipeline.models.activations import Identity, Tanh
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
    """Of |x|, which is of smoothness 3/2, by polynomials; a slower fall is no contradiction, nor does it agree."""
    models, widths = (Linear(), Linear(Monomial())), (2, 4, 8, 16, 32, 64)
    fields = {"models": models, "widths": widths, "seeds": 1, "dtype": "float64"}
    assert answered(lambda trial: trial.shape.width**power / 10, **fields).about == about


def test_curves_that_fall_more_slowly_than_a_bound_are_counted_beside_those_that_agree():
    models, widths = (Linear(), Linear(Monomial())), (2, 4, 8, 16, 32, 64)
    fields = {"models": models, "widths": widths, "seeds": 1, "dtype": "float64"}
    power = {models[0]: -1.5, models[1]: -0.1}
    told = answered(lambda trial: trial.shape.width ** power[trial.shape.model] / 10, **fields)
    assert (told.about, told.verdict) == ("rates of approximation", "agrees (1 of 2 curves), 1 slower than the bound")


@pytest.mark.parametrize(
    ("diverges", "said"),
    [(2.0, "agrees (2 of 2 critical rates)"), (1.7, "contradicts (1 of 2 critical rates)")],
)
def test_where_learning_rates_above_the_first_limit_are_compared_it_is_on_the_critical_rates(diverges, said):
    """Of linear networks of two layers, whose loss rises from 1 and diverges from 2 on, as far as they are wide."""
    multiples = tuple(0.9 + 0.05 * step for step in range(30))

    def losses(trial):
        return [(0, "loss", 1.0), (1, "loss", 2.0 if trial.learning_rate.times_limit > 1.01 else 0.9)]

    def error(trial):
        return math.inf if trial.learning_rate.times_limit > diverges + 0.01 else 0.1

    fields = {"models": (Shallow(Identity()),), "widths": (8, 16, 32, 64, 128), "seeds": 2}
    told = answered(
        error, rates=TimesLimits(multiples), also=losses, answers=Answers(compare="learning_rate"), **fields
    )
    assert (told.about, told.verdict) == ("critical learning rates", said)
