"""Which rates converge and which is best is said as the trials ended."""

from __future__ import annotations

import math

import pytest
from ended_run import answered

from pipeline.experiment.answers import Answers
from pipeline.optimizers.rules import GradientDescent
from pipeline.optimizers.solvers import LevenbergMarquardt

RATES = (0.1, 0.2, 0.4, 0.8)


CALM = "None of the {} trials at up to a learning rate of {} diverged"
WILD = "all 10 from a learning rate of 0.4 on diverged"


@pytest.mark.parametrize(
    ("diverged_seeds", "said"),
    [
        ((0, 0, 0, 0), "No trial diverged, up to a learning rate of 0.8."),
        ((0, 0, 5, 5), f"{CALM.format(10, 0.2)}; {WILD}."),
        ((0, 0, 2, 4), f"{CALM.format(10, 0.2)}; 6 of 10 from 0.4 to a learning rate of 0.8 diverged."),
        ((0, 4, 5, 5), f"{CALM.format(5, 0.1)}; {WILD}; 4 of 5 at a learning rate of 0.2 diverged."),
    ],
)
def test_the_edge_of_divergence_is_where_it_was(diverged_seeds, said):
    diverged = dict(zip(RATES, diverged_seeds, strict=True))
    told = answered(lambda trial: math.inf if trial.seed < diverged[trial.learning_rate] else 0.1, rates=RATES)
    assert told.sentences[0] == said


def test_one_rate_that_is_best_is_named_and_those_that_tie_with_it():
    best = "The best learning rate for shallow(relu) is"
    assert answered(lambda trial: 1 + abs(trial.learning_rate - 0.4), rates=RATES).sentences[1] == f"{best} 0.4."
    spread = {0.1: (9, 9, 9, 9, 9), 0.2: (1, 2, 3, 4, 5), 0.4: (2, 1, 3.5, 3.6, 6), 0.8: (9, 9, 9, 9, 9)}
    told = answered(lambda trial: spread[trial.learning_rate][trial.seed], rates=RATES)
    assert told.sentences[1] == f"{best} 0.2; seeds do not tell 0.4 from it."


def test_rates_that_end_at_one_error_are_told_apart_by_their_steps():
    told = answered(lambda _: 0.5, rates=RATES, settles=lambda trial: int(8 / trial.learning_rate)).text
    same = "ends at the same error at all 4 rates from 0.1 to a learning rate of 0.8"
    assert told.endswith(f"{same}, but 0.8 takes 10 steps and 0.1 takes 80.")


@pytest.mark.parametrize(
    ("best", "said"),
    [
        ({2: 0.2, 4: 0.2}, "0.2 at every width from 2 to 4."),
        ({2: 0.2, 4: 0.8}, "0.2 at width 2 and 0.8 at width 4: it changes with the width."),
    ],
)
def test_whether_the_best_rate_changes_with_the_width(best, said):
    def error(trial):
        return 1 + abs(trial.learning_rate - best[trial.shape.width])

    told = answered(error, widths=(2, 4), rates=RATES, answers=Answers(compare="learning_rate"))
    assert told.sentences[1] == f"The best learning rate for shallow(relu) is {said}"
    assert told.figures[0] == "loss_by_rate_and_width"


def test_a_solver_which_has_no_rate_is_left_out_where_rates_are_compared():
    rules = (GradientDescent(), LevenbergMarquardt())
    asked = {"optimizer": rules, "dtype": "float64", "answers": Answers(compare="learning_rate"), "rates": (0.1, 0.2)}
    told = answered(lambda trial: 1 / (trial.learning_rate or 10.0), **asked).text
    assert told.startswith("No trial diverged, up to a learning rate of 0.2. The best learning rate for shallow(relu)")
    assert "levenberg" not in told
