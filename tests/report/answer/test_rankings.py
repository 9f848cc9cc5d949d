"""Who does best is said with its number, and what seeds do not tell apart is not ranked."""

from __future__ import annotations

import math

import pytest
from ended_run import answered

from pipeline.experiment.answers import Answers
from pipeline.models.activations import Sigmoid, Tanh
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.problems.losses import BrierScore, HalfMeanSquare
from pipeline.problems.targets import AbsoluteValue, Gaussian, OuterRing, Runge, Sine, Xor

RELU, TANH, SIGMOID, LINEAR = Shallow(), Shallow(Tanh()), Shallow(Sigmoid()), Linear()


def letter(trial):
    """The first letter of what tells the model of a trial: l, r, s or t."""
    name = trial.shape.model.label()
    return name.removeprefix("shallow(")[0]


def of_models(**errors):
    """An error of each model, by its letter."""
    return lambda trial: errors[letter(trial)]


def test_the_lowest_error_wins_and_the_next_is_named_with_its_ratio():
    told = answered(of_models(r=0.01, t=0.04), models=(TANH, RELU)).text
    assert (
        told == "shallow(relu) has the lowest median test error, 0.01; that of shallow(tanh) (0.04) is 4 times as high."
    )


def test_the_winner_follows_the_numbers_not_the_order():
    assert answered(of_models(r=0.04, t=0.01), models=(TANH, RELU)).text.startswith("shallow(tanh) has the lowest")


def test_where_it_did_best_is_said_of_what_varies():
    def error(trial):
        return trial.learning_rate / trial.shape.width / (1 + (letter(trial) == "r"))

    told = answered(error, models=(RELU, TANH), widths=(2, 4), rates=(0.1, 0.2)).text
    assert "0.0125 (width 4, learning rate 0.1)" in told
    assert "(learning rate 0.1)" in answered(error, models=(RELU, TANH), rates=(0.1, 0.2)).text


def test_models_that_seeds_do_not_tell_apart_tie():
    spread = {"r": (1, 2, 3, 4, 5), "t": (2, 1, 3.5, 3.6, 6)}
    told = answered(lambda trial: spread[letter(trial)][trial.seed], models=(RELU, TANH)).text
    assert told == "shallow(relu) and shallow(tanh) cannot be told apart by 5 seeds: median test error 3 to 3.5."


THREE = {"r": (0.9, 1, 1, 1, 1.1), "t": (0.5, 0.8, 4, 5, 6), "s": (3, 3, 3, 3, 3)}


def test_what_ties_with_the_best_alone_is_not_ranked_before_what_is_told_from_it():
    told = answered(lambda trial: THREE[letter(trial)][trial.seed], models=(RELU, TANH, SIGMOID)).text
    assert told.endswith(
        "shallow(relu) has the lowest median test error, 1; 5 seeds do not tell it from shallow(tanh) (4), "
        "but do tell it from shallow(sigmoid) (3)."
    )


def test_of_three_values_each_is_held_against_the_best():
    errors = THREE | {"s": (0.6, 0.7, 3, 6, 7)}
    told = answered(lambda trial: errors[letter(trial)][trial.seed], models=(RELU, TANH, SIGMOID)).text
    assert told.endswith(
        "shallow(relu) has the lowest median test error, 1; 5 seeds do not tell it from shallow(sigmoid) (3) and "
        "shallow(tanh) (4)."
    )


def test_equal_errors_are_called_the_same_and_who_settles_first_is_named():
    told = answered(
        lambda _: 0.5, models=(RELU, TANH), settles=lambda trial: 10 if trial.shape.model == TANH else 70
    ).text
    assert told == (
        "shallow(tanh) and shallow(relu) end at the same median test error, 0.5; shallow(tanh) settles first, "
        "after 10 steps, shallow(relu) after 70."
    )


def test_errors_that_are_rounding_are_exact():
    told = answered(of_models(l=1e-16, r=1e-3), models=(LINEAR, RELU), dtype="float64").text
    assert told == "A linear model does best: linear(legendre) is exact to rounding; the next is shallow(relu) (0.001)."


def test_who_solves_a_puzzle_is_told_with_the_number_of_seeds():
    def error(trial):
        solved = {"l": 0, "r": 12, "t": 20}[letter(trial)]
        return 0.0 if trial.seed < solved else 0.5

    told = answered(error, models=(LINEAR, RELU, TANH), target=(Xor(),), seeds=20).text
    assert told == (
        "A network does best: shallow(tanh) solves it for 20 of 20 seeds, shallow(relu) for 12 of 20; "
        "linear(legendre) for none."
    )


def test_who_solves_a_puzzle_at_another_width_than_the_best_is_told_with_it():
    def error(trial):
        return 0.0 if trial.shape.model == TANH or (trial.shape.model == RELU and trial.shape.width == 4) else 0.5

    told = answered(error, models=(RELU, TANH), target=(Xor(),), widths=(2, 4), seeds=2).text
    assert told.startswith(
        "shallow(tanh) solves it for 2 of 2 seeds (width 2), shallow(relu) for 2 of 2 (width 4), which"
    )


def test_a_model_all_of_whose_trials_diverged_has_no_rank():
    told = answered(of_models(r=0.1, t=math.inf), models=(RELU, TANH)).text
    assert (
        told == "shallow(relu) has the lowest median test error, 0.1; of shallow(tanh) no setting has a finite median."
    )


def test_a_kind_that_wins_on_one_of_two_problems_is_said_to():
    def error(trial):
        network_wins = isinstance(trial.shape.problem.target, AbsoluteValue)
        return 0.1 if network_wins == (not trial.shape.model.linear) else 0.3

    told = answered(error, models=(LINEAR, RELU), target=(AbsoluteValue(), Sine()), seeds=1).text
    assert told.startswith(
        "A network does best on absolute_value, a linear model on sine. On absolute_value, shallow(relu)"
    )


@pytest.mark.parametrize(
    ("everywhere", "said"),
    [(True, "shallow(tanh) does best on all 4 problems."), (False, "No model does best on all 4 problems.")],
)
def test_of_many_problems_it_says_whether_one_model_is_best_on_all(everywhere, said):
    def error(trial):
        wins = everywhere or not isinstance(trial.shape.problem.target, Runge)
        return 0.1 if wins == (trial.shape.model == TANH) else 0.3

    targets = (AbsoluteValue(), Sine(), Runge(), Gaussian())
    told = answered(error, models=(RELU, TANH), target=targets).text
    assert told.startswith(said)
    assert ("shallow(relu) on runge (0.1)" in told) is not everywhere


def test_other_axes_than_models_are_ranked_too():
    rules, losses = (GradientDescent(), Adam()), (HalfMeanSquare(), BrierScore())
    told = answered(lambda trial: 0.1 + (trial.shape.optimizer == rules[0]), optimizer=rules)
    assert told.text.startswith(
        "adam has the lowest median test error, 0.1; that of gradient_descent (1.1) is 11 times"
    )
    told = answered(lambda trial: 0.1 + (trial.shape.loss == losses[0]), target=(Xor(),), loss=losses)
    assert told.text.startswith("brier_score has the lowest")
    told = answered(lambda trial: 10 / trial.shape.steps, steps=(100, 2000))
    assert told.text.startswith("training for 2000 steps has the lowest median test error, 0.005; that of training for")


def test_of_problems_it_is_said_which_one_is_solved():
    targets = (Xor(), OuterRing())
    told = answered(lambda trial: 0.5 * (trial.shape.problem.target == targets[1]), target=targets).text
    assert told == "xor, 4 points is solved for 5 of 5 seeds; outer_ring, 256 points for none."


def test_a_loss_by_which_nothing_is_solved_is_told_beside_one_that_solves():
    losses = (HalfMeanSquare(), BrierScore())
    told = answered(lambda trial: 0.5 * (trial.shape.loss == losses[0]), target=(Xor(),), loss=losses).text
    assert told == "brier_score solves it for 5 of 5 seeds; half_mean_square for none."


@pytest.mark.parametrize("first", [0, 1])
def test_an_error_is_rounding_by_the_precision_that_it_was_reached_in(first):
    dtypes = ("float32", "float64") if first == 0 else ("float64", "float32")
    told = answered(lambda trial: 1e-9 if trial.shape.dtype == "float64" else 1e-2, dtype=dtypes).text
    assert told.startswith("float64 has the lowest median test error, 1e-09")


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ("model", "shallow(tanh) has the lowest median test error, 0.01 (adam, 2000 steps); that"),
        ("optimizer", "adam has the lowest median test error, 0.01 (shallow(tanh), 2000 steps); that"),
        ("steps", "training for 2000 steps has the lowest median test error, 0.01 (shallow(tanh), adam); that"),
    ],
)
def test_of_all_axes_but_the_one_that_is_compared_it_is_said_where_the_best_was(axis, said):
    def error(trial):
        shape = trial.shape
        return 0.01 * (1 + (shape.model == RELU) + (shape.optimizer == GradientDescent()) + (shape.steps == 100))

    asked = {"models": (RELU, TANH), "optimizer": (GradientDescent(), Adam()), "steps": (100, 2000)}
    assert answered(error, answers=Answers(compare=axis), **asked).text.startswith(said)
