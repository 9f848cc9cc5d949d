"""Searches of knots end at a layer of units with the error that it says, as small as that of every layer on a grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pipeline.numerics.free_knots import best_layer, promising, search
from pipeline.numerics.segmented_least_squares import WeightedPoints, weighted_points

X = np.linspace(-1, 1, 101)
WAVE = weighted_points(X, np.sin(2 * np.pi * X))


def error_of(points: WeightedPoints, knots, directions) -> float:
    """By a least-squares solver."""
    root = np.sqrt(points.weights_P)
    units = [np.maximum(direction * (points.x_P - knot), 0) for knot, direction in zip(knots, directions, strict=True)]
    features = np.column_stack([*units, np.ones(len(root))]) * root[:, None]
    return float(np.square(root * points.y_P - features @ np.linalg.lstsq(features, root * points.y_P)[0]).sum())


def test_error_of_a_layer_is_that_of_its_knots_and_directions() -> None:
    layer = best_layer(WAVE, [np.array([-0.7, -0.2, 0.3, 0.6])], enough=0.0)
    assert layer.mean_square == pytest.approx(error_of(WAVE, layer.knots_U, layer.directions_U), rel=1e-9)


def test_a_search_never_raises_the_error_and_ends_where_no_knot_lowers_it() -> None:
    begin, directions = np.array([-0.6, -0.3, 0.2, 0.7]), np.array([1.0, -1.0, 1.0, 1.0])
    layer = search(WAVE, begin, directions, enough=0.0)
    assert layer.mean_square < error_of(WAVE, begin, directions)
    for unit, move in itertools.product(range(4), (-1e-3, 1e-3)):
        moved = layer.knots_U.copy()
        moved[unit] += move
        assert error_of(WAVE, moved, directions) > layer.mean_square * (1 - 1e-3)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_layer_with_knots_on_a_grid_is_better(number) -> None:
    """All knots among 13 places, all directions."""
    places = list(itertools.product(np.linspace(-1, 1, 13), (1.0, -1.0)))
    least = min(error_of(WAVE, *zip(*chosen, strict=True)) for chosen in itertools.combinations(places, number))
    starts = [np.array(knots) for knots in itertools.combinations((-0.75, -0.25, 0.25, 0.75), number)]
    assert best_layer(WAVE, starts, enough=0.0).mean_square <= least * (1 + 1e-9)


def test_directions_make_the_piecewise_linear_function_that_they_belong_to() -> None:
    """A layer is found again: its units that look left have changes of slope of the sum of minus its first slope."""
    knots, directions = np.linspace(-0.9, 0.9, 30), np.where(RNG.random(30) < 0.5, 1.0, -1.0)
    units = np.maximum(directions * (X[:, None] - knots), 0)
    points = weighted_points(X, units @ RNG.standard_normal(30))
    assert error_of(points, knots, promising(points, knots)[0]) < 1e-9


def test_equal_knots_and_knots_at_the_ends_do_no_harm() -> None:
    layer = best_layer(WAVE, [np.array([0.2, 0.2, 1.0, -1.0])], enough=0.0)
    assert np.isfinite(layer.mean_square)
    assert layer.mean_square <= error_of(WAVE, [0.2], [1.0])


def test_a_search_ends_where_the_error_is_small_enough() -> None:
    knots = np.array([-0.7, -0.2, 0.3, 0.6])
    enough = search(WAVE, knots, np.ones(4), enough=1.0)
    assert list(enough.knots_U) == list(knots)


RNG = np.random.default_rng(3)


@pytest.mark.parametrize("num_points", [1, 2, 3])
def test_fewer_points_than_units_are_met_exactly(num_points: int) -> None:
    few = weighted_points(np.linspace(-1, 1, num_points), np.linspace(0, 1, num_points) ** 2 + 1)
    layer = best_layer(few, [np.array([-0.5, -0.2, 0.3, 0.6])], enough=0.0)
    assert layer.mean_square == pytest.approx(0.0, abs=1e-25)
