"""The mean square of the weights stays finite below the limit of minibatches, and only there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from pipeline.numerics.mean_square_stability import mean_square_limit


def features(num_points: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((num_points, width)) * np.exp(rng.standard_normal((num_points, 1)))


def moments_map(features_PF: np.ndarray, batches: list[tuple[int, ...]]) -> Callable[[float], np.ndarray]:
    """The map of second moments, from every batch there is: ``[F^2, F^2]`` for a rate."""

    def at(rate: float) -> np.ndarray:
        steps = [np.eye(features_PF.shape[1]) - rate * _mean_outer(features_PF[list(batch)]) for batch in batches]
        return np.mean([np.kron(step, step) for step in steps], axis=0)

    return at


def _mean_outer(points: np.ndarray) -> np.ndarray:
    return points.T @ points / len(points)


def radius(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("num_points, width, batch_size", [(6, 3, 1), (6, 2, 3), (5, 3, 4), (4, 4, 2), (5, 1, 2)])
def test_the_spectral_radius_over_all_batches_is_one_at_the_limit(num_points, width, batch_size, replacement):
    points_PF = features(num_points, width)
    drawn = itertools.product(range(num_points), repeat=batch_size)
    batches = list(drawn) if replacement else list(itertools.combinations(range(num_points), batch_size))
    limit = mean_square_limit(torch.from_numpy(points_PF), batch_size, replacement=replacement)
    at = moments_map(points_PF, batches)
    assert radius(at(limit)) == pytest.approx(1, abs=1e-9)
    assert radius(at(0.99 * limit)) < 1 < radius(at(1.01 * limit))


def test_batches_of_all_points_have_the_limit_of_descent():
    points_PF = features(9, 4)
    limit = mean_square_limit(torch.from_numpy(points_PF), 9)
    assert limit == pytest.approx(2 / np.linalg.eigvalsh(_mean_outer(points_PF))[-1], rel=1e-12)


def test_one_feature_has_a_formula():
    """``E (1 - rate x^2)^2 < 1`` for rates below ``2 E x^2 / E x^4``."""
    points_PF = features(7, 1)
    expected = 2 * (points_PF**2).mean() / (points_PF**4).mean()
    assert mean_square_limit(torch.from_numpy(points_PF), 1) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-60, 1.0, 1e60])
def test_directions_that_no_point_has_and_units_change_nothing(scale):
    points_PF = features(6, 3)
    limit = mean_square_limit(torch.from_numpy(points_PF), 2)
    padded_PF = scale * np.concatenate([points_PF, points_PF[:, :1]], axis=1) @ np.diag([1, 1, 1, 0.0])
    assert mean_square_limit(torch.from_numpy(padded_PF), 2) == pytest.approx(limit / scale**2, rel=1e-9)


def test_no_point_and_no_number_have_no_limit():
    assert mean_square_limit(torch.zeros(4, 2, dtype=torch.float64), 1) == math.inf
    assert math.isnan(mean_square_limit(torch.full((4, 2), torch.nan, dtype=torch.float64), 1))


def test_epochs_in_which_every_point_comes_once_are_stable_below_it_too():
    """Not proved in general: seen over all orders of up to five points, in 60 problems."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        points_PF = features(int(rng.integers(2, 5)), int(rng.integers(1, 4)), seed)
        rate = 0.98 * mean_square_limit(torch.from_numpy(points_PF), 1)
        steps = [np.eye(points_PF.shape[1]) - rate * np.outer(point, point) for point in points_PF]
        epochs = [np.linalg.multi_dot([np.eye(len(steps[0])), *order]) for order in itertools.permutations(steps)]
        range_FS = np.linalg.svd(points_PF)[2][: np.linalg.matrix_rank(points_PF)].T
        seen = np.kron(range_FS, range_FS)
        assert radius(seen.T @ np.mean([np.kron(one, one) for one in epochs], axis=0) @ seen) < 1
