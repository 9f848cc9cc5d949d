"""Which rates converge and which is best is said as the trials ended, and of networks where the loss rises first."""

from __future__ import annotations

import math
import re

import pytest
from ended_run import LAST, answered

from pipeline.experiment.answers import Answers
from pipeline.experiment.axes import TimesLimits
from pipeline.models.activations import Identity, Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.optimizers.solvers import LevenbergMarquardt
from pipeline.problems.targets import AbsoluteValue, Sine

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


MULTIPLES = (0.5, 1.5, 2.5)
RISES = "rises from 1 on"
THEORY = "By theory the loss of wide networks rises from 1 on, and that of linear ones diverges from 2 on"
EARLY = (1, 10)


def phased(rises=1.0, diverges=2.0, back=lambda trial: True, step=1, multiples=MULTIPLES, **fields):
    """The answer of networks whose loss rises, and which diverge, above multiples of their limit, by trial or alike."""

    def above(trial, limit):
        rate = trial.learning_rate  # a solver has none
        return rate is not None and rate.times_limit > (limit(trial) if callable(limit) else limit)

    def losses(trial):
        end = 0.5 if back(trial) else 1.5
        return [(0, "loss", 1.0), (step, "loss", 2.0 if above(trial, rises) else 0.9), (LAST, "loss", end)]

    def error(trial):
        return math.inf if above(trial, diverges) else 0.1

    rates = TimesLimits(multiples)
    return answered(error, rates=rates, also=losses, answers=Answers(compare="learning_rate"), **fields)


def at_width(width, losses, back="5 of 5 trials"):
    start = f"In units of the limit at the first weights, at width {width}, the loss of {losses}"
    return f"{start}; in between, that of {back} comes back." if back else f"{start}."


@pytest.mark.parametrize("step", EARLY)
def test_networks_are_told_by_the_rates_at_which_the_loss_rises_and_diverges(step):
    told = phased(step=step)
    assert told.sentences == (at_width(2, "shallow(relu) rises from 1 on and diverges from 2 on"), f"{THEORY}.")
    assert told.figures[0] == "phases_by_rate_and_width"


@pytest.mark.parametrize(
    ("limits", "said", "back"),
    [
        ({"diverges": 3}, f"{RISES} and diverges at no rate up to 2.5", "10 of 10 trials"),
        ({"rises": 0.1}, "rises already at 0.5 and diverges from 2 on", "10 of 10 trials"),
        ({"diverges": 1.0}, f"{RISES} and diverges from 1 on", ""),
        ({"rises": 3, "diverges": 3}, "rises at no rate up to 2.5 and diverges at no rate up to 2.5", ""),
        (
            {"diverges": lambda trial: 2 if trial.seed < 2 else 3},
            f"{RISES} and diverges at no rate up to 2.5 for at least half of the seeds",
            "8 of 8 trials",
        ),
        ({"diverges": lambda trial: 2 if trial.seed < 3 else 3}, f"{RISES} and diverges from 2 on", "7 of 7 trials"),
        ({"back": lambda trial: trial.seed > 1}, f"{RISES} and diverges from 2 on", "3 of 5 trials"),
    ],
)
def test_what_never_happens_or_always_or_for_some_seeds_is_told_so(limits, said, back):
    assert phased(**limits).sentences[0] == at_width(2, f"shallow(relu) {said}", back)


def test_critical_rates_are_those_of_the_greatest_width_by_model_and_problem():
    def rises(trial):
        return 2 if trial.shape.width == 2 else 1

    models = (Shallow(Tanh()), Shallow(Identity()))
    told = phased(rises, 2, widths=(2, 4), models=models, target=(Sine(), AbsoluteValue()))
    names = [f"shallow({model}) on {on}" for on in ("sine", "absolute_value") for model in ("tanh", "identity")]
    clauses = "; that of ".join(f"{name} rises from 1 on and diverges from 2 on" for name in names)
    assert told.sentences[0] == at_width(4, clauses, "20 of 20 trials")


def test_five_widths_tell_the_critical_rates_of_infinitely_wide_networks():
    widths, multiples = (2, 4, 8, 16, 32), tuple(0.5 + 0.01 * step for step in range(200))
    told = phased(lambda trial: 1 + 1 / trial.shape.width, 3, widths=widths, multiples=multiples, seeds=1)
    start = f"{THEORY}; extrapolated to infinite width, that of shallow(relu) rises from "
    assert told.sentences[1].startswith(start)
    wide, low, high = map(float, re.findall(r"\d+(?:\.\d+)?", told.sentences[1].removeprefix(start)))
    assert low <= 1 <= high
    assert wide == pytest.approx(1, abs=0.02)
    assert "extrapolated" not in phased(widths=widths[1:]).text


SOLVER = {"optimizer": (GradientDescent(), LevenbergMarquardt()), "dtype": "float64"}


@pytest.mark.parametrize("fields", [{"step": 11}, {"models": (Shallow(), Linear())}, SOLVER])
def test_without_a_loss_of_the_first_steps_or_beside_what_has_none_phases_are_not_told(fields):
    told = phased(**fields)
    assert told.sentences[0].startswith("None of the ")
    assert told.figures[0] == "loss_by_step"
