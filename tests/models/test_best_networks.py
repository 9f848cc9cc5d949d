"""The best ReLU network of one input lies within its bracket: known exactly, by brute force, and for every target."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import ACTIVATIONS, Relu
from pipeline.models.best_networks import (
    MOST_WIDTH,
    best_networks,
    has_best_network,
    held_out_points,
    is_piecewise_linear,
)
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.numerics.randomness import stream
from pipeline.problems.datasets import Diabetes
from pipeline.problems.losses import Task
from pipeline.problems.measures import Grid, Normal, Uniform
from pipeline.problems.targets import TARGETS, AbsoluteValue, Gaussian, Sine, Step, Xor, XSquared

REGRESSIONS = [kind() for kind in TARGETS.values() if kind.task is Task.REGRESSION]


def problem_of(target, **inputs):
    return next(Experiment("?", (Shallow(),), (2,), target=(target,), inputs=Inputs(**inputs)).problems())


def brackets_of(target, widths, **inputs):
    return best_networks(held_out_points(problem_of(target, **inputs).load()), widths)


def test_best_network_for_the_square_is_the_one_of_the_closed_form_at_even_widths() -> None:
    """The integral of n + 1 lines is known, 4 / (45 (n + 1)^4); points of a rule leave the lines a little more room."""
    for width, bracket in brackets_of(XSquared(), (2, 4, 8, 16, 32), test=1024).items():
        known = math.sqrt(4 / 45) / (width + 1) ** 2
        assert bracket.lower == pytest.approx(known, rel=4e-3)
        assert bracket.upper == pytest.approx(bracket.lower, rel=2e-3)
        assert bracket.lower <= known


def test_absolute_value_is_two_lines_and_a_network_from_two_units_on() -> None:
    one, two, three = brackets_of(AbsoluteValue(), (1, 2, 3)).values()
    assert one.lower == pytest.approx(0, abs=1e-12)
    assert one.upper == pytest.approx(math.sqrt(brute_force(AbsoluteValue(), 1)), rel=1e-3)
    assert [two.upper, three.upper] == pytest.approx([0, 0], abs=1e-9)


def test_a_step_is_a_network_of_two_units_on_finitely_many_points() -> None:
    assert brackets_of(Step(), (2,))[2].upper == pytest.approx(0, abs=1e-9)


def test_no_network_of_width_32_comes_closer_to_a_sine_than_this() -> None:
    bracket = brackets_of(Sine(), (32,), test=1024)[32]
    assert bracket.lower > 2.21e-3
    assert bracket.is_tight


def brute_force(target, number: int, num_knots: int = 25) -> float:
    """Least mean square of networks of N units whose knots lie on a grid: all knots, all directions, least squares."""
    points = held_out_points(problem_of(target, test=112).load())
    root = np.sqrt(points.weights_P)
    knots = np.linspace(-1, 1, num_knots)
    units = [np.maximum(side * (points.x_P - knot), 0) for knot in knots for side in (1, -1)]
    features_PF = np.column_stack([*units, np.ones(len(root)), points.y_P]) * root[:, None]
    gram_FF = features_PF.T @ features_PF
    chosen = np.array([(*some, len(units)) for some in itertools.combinations(range(len(units)), number)])
    of_units = gram_FF[chosen[:, :, None], chosen[:, None, :]] + 1e-13 * np.eye(number + 1)
    with_values = gram_FF[chosen, -1]
    explained = np.einsum("cf,cf->c", with_values, np.linalg.solve(of_units, with_values[..., None])[..., 0])
    return float(gram_FF[-1, -1] - explained.max())


@pytest.mark.parametrize(("width", "num_knots"), [(1, 201), (2, 41), (3, 17), (4, 9)])
def test_best_network_for_a_sine_is_at_least_as_good_as_all_networks_with_knots_on_a_grid(width, num_knots) -> None:
    least = math.sqrt(brute_force(Sine(), width, num_knots))
    bracket = brackets_of(Sine(), range(1, width + 1), test=112)[width]
    assert bracket.lower <= bracket.upper <= least * (1 + 1e-6)
    if width <= 2:  # the grid is fine
        assert bracket.upper == pytest.approx(least, rel=5e-3)


@pytest.mark.parametrize("measure", [Uniform(), Normal(), Grid()], ids=lambda measure: measure.name())
@pytest.mark.parametrize("target", REGRESSIONS, ids=lambda target: target.label())
def test_no_network_is_below_the_lower_end_and_ends_fall_with_the_width(target, measure) -> None:
    points = held_out_points(problem_of(target, dimension=(1,), measure=measure, test=256).load())
    brackets = best_networks(points, (1, 2, 5, 9))
    ends = list(brackets.values())
    assert all(one.lower <= one.upper * (1 + 1e-9) + 1e-12 for one in ends)
    for narrow, wide in itertools.pairwise(ends):
        assert wide.lower <= narrow.lower
        assert wide.upper <= narrow.upper
    rng = stream("networks", target.label())
    for width, bracket in brackets.items():
        knots_U, sides_U = rng.choice(points.x_P, width), rng.choice([-1.0, 1.0], width)
        units_PU = np.maximum(sides_U * (points.x_P[:, None] - knots_U), 0)
        features_PF = np.column_stack([units_PU, np.ones(len(points.x_P))])
        root_P = np.sqrt(points.weights_P)
        weights_F = np.linalg.lstsq(root_P[:, None] * features_PF, root_P * points.y_P)[0]
        assert np.sqrt(points.weights_P @ (points.y_P - features_PF @ weights_F) ** 2) >= bracket.lower * (1 - 1e-9)


def test_brackets_of_smooth_targets_are_tight_from_eight_units_on() -> None:
    for target in REGRESSIONS:
        if target.second_derivative(np.zeros(1)) is not None:
            assert brackets_of(target, (8, 16), dimension=(1,), test=512)[16].is_tight, target.label()


def test_nothing_is_computed_of_wide_networks() -> None:
    assert brackets_of(Sine(), (MOST_WIDTH + 1,)) == {}


def test_only_functions_of_one_input_have_a_best_network() -> None:
    assert has_best_network(problem_of(Sine()))
    assert not has_best_network(problem_of(Gaussian(), dimension=(2,)))
    assert not has_best_network(problem_of(Xor(), dimension=(2,)))
    assert not has_best_network(next(Experiment("?", (Shallow(),), (2,), data=(Diabetes(),)).problems()))


@pytest.mark.parametrize("activation", [kind() for kind in ACTIVATIONS.values()], ids=lambda one: one.name())
def test_networks_that_bend_once_a_unit_are_those_with_kinks(activation) -> None:
    assert is_piecewise_linear(Shallow(activation)) == activation.kinked
    assert not is_piecewise_linear(Linear())


def test_weights_of_a_quadrature_rule_count() -> None:
    """The mean square of the target itself, without any line: of a constant 0 on points of a rule and of a sample."""
    points = held_out_points(problem_of(Sine(), test=128).load())
    assert points.weights_P @ points.y_P**2 == pytest.approx(Sine().mean_square(1), rel=1e-6)
    assert held_out_points(problem_of(Sine(), measure=Normal(), test=64).load()).weights_P == pytest.approx(1 / 64)
    assert isinstance(Shallow().activation, Relu)
