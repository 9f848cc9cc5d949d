"""The problems of an experiment are the product of its targets or tables with the axes of its inputs."""

import itertools

import pytest

from pipeline.errors import FieldError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.problem_axes import placed_problems
from pipeline.problems.datasets import Digits
from pipeline.problems.targets import Gaussian, Step


def test_dimensions_points_and_noise_multiply():
    inputs = Inputs(dimension=(1, 2, 3), train=(64, 128), noise=(0.0, 0.1), test=10)
    problems = list(placed_problems((Gaussian(),), (), inputs, seed=4))
    axes = [(problem.dimension, problem.train, problem.noise) for problem in problems]
    assert axes == list(itertools.product((1, 2, 3), (64, 128), (0.0, 0.1)))
    assert {problem.seed for problem in problems} == {4}


def test_the_rows_of_a_table_that_do_not_train_are_held_out():
    (problem,) = placed_problems((), (Digits(),), Inputs(), seed=0)
    assert (problem.train, problem.test) == (1437, 360)
    few, many = placed_problems((), (Digits(),), Inputs(train=(100, 1000)), seed=0)
    assert (few.test, many.test) == (1697, 797)


def test_what_cannot_be_sampled_names_the_field_of_the_inputs():
    with pytest.raises(FieldError, match="step is a function of 1 input") as refusal:
        list(placed_problems((Step(),), (), Inputs(dimension=(2,)), seed=0))
    assert refusal.value.path == ("inputs", "dimension")
