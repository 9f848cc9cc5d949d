"""The best lines through points are found exactly, and cells that are left out never raise the error."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pipeline.numerics.segmented_least_squares import WeightedPoints, best_lines, weighted_points

RNG = np.random.default_rng(1)


def noisy(num_points: int) -> WeightedPoints:
    x_P = np.sort(RNG.uniform(-1, 1, num_points))
    return weighted_points(
        x_P, np.sin(5 * x_P) + 0.3 * RNG.standard_normal(num_points), RNG.uniform(0.5, 2, num_points)
    )


def error_of_line(points: WeightedPoints, begin: int, end: int) -> float:
    """By a least-squares solver."""
    root = np.sqrt(points.weights_P[begin:end])
    features = root[:, None] * np.vander(points.x_P[begin:end], 2)
    values = root * points.y_P[begin:end]
    return float(np.square(values - features @ np.linalg.lstsq(features, values, rcond=None)[0]).sum())


@pytest.mark.parametrize("num_lines", [1, 2, 3, 4, 5])
def test_no_other_ends_of_lines_have_a_smaller_error(num_lines) -> None:
    """Every way to cut 18 points in up to five lines."""
    points = noisy(18)
    error = {(i, j): error_of_line(points, i, j) for i, j in itertools.combinations(range(19), 2)}
    ways = itertools.combinations(range(1, 18), num_lines - 1)
    least = min(sum(error[pair] for pair in itertools.pairwise((0, *way, 18))) for way in ways)
    found = best_lines(points, 5)
    assert found.mean_square(num_lines) == pytest.approx(least, rel=1e-9)


def test_best_lines_break_where_every_way_to_cut_says() -> None:
    points = noisy(30)
    cuts = itertools.combinations(range(1, 30), 2)
    _, first, second = min(
        (sum(error_of_line(points, *pair) for pair in itertools.pairwise((0, *cut, 30))), *cut) for cut in cuts
    )
    low, high = best_lines(points, 3).breaks(3)
    assert points.x_P[first - 1] <= low <= points.x_P[first]
    assert points.x_P[second - 1] <= high <= points.x_P[second]
    assert list(best_lines(points, 3).gaps(3)) == list(points.x_P[[first - 1, first, second - 1, second]])


def test_lines_that_meet_break_where_they_meet() -> None:
    x_P = np.linspace(-1, 1, 20)
    assert best_lines(weighted_points(x_P, np.abs(x_P - 0.31)), 2).breaks(2) == pytest.approx([0.31])


def test_lines_on_points_of_a_line_need_no_break() -> None:
    x_P = np.linspace(-1, 1, 50)
    found = best_lines(weighted_points(x_P, 3 * x_P - 1), 4)
    assert [found.mean_square(lines) for lines in (1, 4)] == pytest.approx([0, 0], abs=1e-20)
    assert len(found.breaks(4)) == 0


def test_an_error_keeps_its_digits_on_many_points() -> None:
    """Of x^2 each line through k points at distance h misses ``h^4 (k^2 - 1) (k^2 - 4) / 180`` in the mean."""
    x_P = -1 + (np.arange(2000) + 0.5) / 1000
    found = best_lines(weighted_points(x_P, x_P**2), 40)
    for lines in (1, 4, 10, 40):
        square = (2000 / lines) ** 2
        missed = 1e-12 * (square - 1) * (square - 4) / 180
        assert found.mean_square(lines) == pytest.approx(missed, rel=1e-4)


def test_cells_that_are_left_out_never_raise_the_error() -> None:
    points = noisy(300)
    exact, coarse = best_lines(points, 6), best_lines(points, 6, most_cells=60)
    assert not exact.lost
    assert coarse.lost
    for lines in range(1, 7):
        assert 0 < coarse.mean_square(lines) <= exact.mean_square(lines) + 1e-12
    assert coarse.mean_square(1) == pytest.approx(exact.mean_square(1))
    assert coarse.mean_square(2) > 0.9 * exact.mean_square(2)


def test_more_lines_than_points_leave_nothing() -> None:
    found = best_lines(noisy(5), 8)
    assert found.mean_square(8) == 0
    assert len(found.breaks(8)) < 8


def test_equal_inputs_are_one_with_what_no_function_tells_apart_left_over() -> None:
    points = weighted_points(np.array([1.0, 0.0, 1.0]), np.array([2.0, 5.0, 4.0]))
    assert list(points.x_P) == [0, 1]
    assert list(points.y_P) == [5, 3]
    assert points.weights_P == pytest.approx([1 / 3, 2 / 3])
    assert points.within == pytest.approx(2 / 3)  # two of three points are off by one
    assert best_lines(points, 1).mean_square(1) == pytest.approx(2 / 3)


def test_points_without_mass_do_not_count_and_negative_masses_are_refused() -> None:
    assert list(weighted_points(np.arange(3.0), np.arange(3.0), np.array([1.0, 0.0, 1.0])).x_P) == [0, 2]
    with pytest.raises(ValueError, match=r"^a mass is negative$"):
        weighted_points(np.arange(2.0), np.arange(2.0), np.array([2.0, -1.0]))
