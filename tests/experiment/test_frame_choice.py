"""Weights on the way are kept of the first seed of each cell, and of fewer cells where they would take much room."""

import dataclasses

import pytest

from pipeline.experiment.axes import Inputs, LogSpaced, LogSpacedSteps, TimesLimits
from pipeline.experiment.frame_choice import MOST_FRAMES, FrameChoice, frame_choice
from pipeline.models.bases.random import RandomFourier
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent, LeastSquares
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue, Gaussian, Sine


def kept(choice: FrameChoice) -> list:
    return [pack.trials[place] for pack in make_plan("q", choice.experiment).packs for place in choice.positions(pack)]


def test_one_trial_of_each_cell_is_kept_and_it_is_that_of_the_first_seed(experiment):
    asked = experiment(
        models=(Linear(), Shallow()), target=(AbsoluteValue(), Sine()), widths=(2, 4), seeds=(5, 3),
        learning_rates=(0.1, 0.2), inputs=Inputs(train=(8,), test=20, noise=(0.1,), seed=(7, 1)),
    )  # fmt: skip
    trials = kept(frame_choice(asked))
    assert {trial.seed for trial in trials} == {5}
    assert {trial.shape.problem.seed for trial in trials} == {7}
    cells = {
        (trial.shape.problem.label(), trial.shape.model, trial.shape.width, trial.learning_rate) for trial in trials
    }
    assert len(trials) == len(cells) == 2 * 2 * 2 * 2


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": Inputs(train=(8,), test=20, noise=(0.1,), seed="trial")},
        {"models": (Linear(RandomFourier()),)},
        {"optimizer": LeastSquares(), "learning_rates": None, "models": (Linear(),)},
        {"learning_rates": TimesLimits((0.5, 2.0))},
    ],
)
def test_points_or_features_of_each_seed_and_solvers_have_one_trial_a_cell_too(experiment, changed):
    choice = frame_choice(experiment(**changed))
    cells = {(trial.shape.model.label(), trial.shape.width, trial.learning_rate) for trial in kept(choice)}
    assert len(kept(choice)) == len(cells) > 0
    assert {trial.seed for trial in kept(choice)} == {0}


def test_what_cannot_be_drawn_is_not_kept(experiment):
    inputs = Inputs(train=(16,), test=20, dimension=(3,))
    assert kept(frame_choice(experiment(target=(Gaussian(),), inputs=inputs, models=(Shallow(),)))) == []


def test_at_most_sixty_recorded_steps_are_kept_both_ends_among_them(experiment):
    choice = frame_choice(experiment(record_at=LogSpacedSteps(400), steps=10_000))
    steps, recorded = choice.steps(10_000), choice.experiment.recorded_steps()
    assert len(steps) == MOST_FRAMES < len(recorded)
    assert set(steps) <= set(recorded)
    assert (steps[0], steps[-1]) == (0, 10_000)


def test_the_size_is_that_of_all_weights_that_are_kept(experiment):
    choice = frame_choice(experiment(widths=(2, 5), dtype=("float32", "float64"), steps=(10, 40)))
    item = {"float32": 4, "float64": 8}
    sizes = [
        trial.shape.num_weights * item[trial.shape.dtype] * len(choice.steps(trial.shape.steps))
        for trial in kept(choice)
    ]
    assert choice.num_bytes() == sum(sizes)


@pytest.mark.parametrize("divisor", [1, 2, 5, 20, 1000, 10**6])
def test_thinner_choices_fit_and_keep_the_ends(experiment, divisor):
    asked = experiment(widths=tuple(range(1, 20)), learning_rates=LogSpaced(1e-3, 1.0, 15), models=(Shallow(),))
    most = FrameChoice(asked).num_bytes() // divisor
    choice = frame_choice(asked, most)
    assert choice.num_bytes() <= most
    assert (choice.in_words() == "") is (divisor == 1)
    trials = kept(choice)
    if choice.most_frames:
        assert {1, 19} <= {trial.shape.width for trial in trials}
        assert {min(asked.rates_of(GradientDescent())), max(asked.rates_of(GradientDescent()))} <= {
            trial.learning_rate for trial in trials
        }
    else:
        assert trials == []


def test_what_was_left_out_is_said():
    choice = FrameChoice(None)
    assert dataclasses.replace(choice, stride=2).in_words() == (
        "Weights on the way are kept of every second width and learning rate and the last, to save room."
    )
    assert dataclasses.replace(choice, stride=4, most_frames=15).in_words() == (
        "Weights on the way are kept of every 4th width and learning rate and the last, at 15 steps, to save room."
    )
    assert dataclasses.replace(choice, most_frames=0).in_words().startswith("Weights on the way are not kept: ")
