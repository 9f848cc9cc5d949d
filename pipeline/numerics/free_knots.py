"""Free-knot least squares for one hidden layer of ReLUs of one input: knots that a local search moves.

A layer of n units, ``b + sum_j v_j max(d_j (x - t_j), 0)`` with ``d_j = +-1``, is linear in the output weights b and v,
which least squares finds exactly for any knots t and directions d; the knots are moved by Gauss-Newton steps on the
error that is left (variable projection). The directions decide which straight line is left beside the kinks: a
piecewise linear function with its n kinks inside, slopes s before the first and changes m_j of slope, is a layer of n
units exactly if some subset of the changes, those of the units that look left (d = -1), has the sum -s. A layer of
n + 1 units makes every one of n kinks.

Shape letters: J trial directions, U units.

Source: Golub, Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate" (1973); Jupp, "Approximation to data by splines with free knots" (1978).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.numerics.segmented_least_squares import Numbers, WeightedPoints

STEPS = 30
"""Gauss-Newton steps of a search at most."""
SETTLED = 1e-4
"""Relative fall of the error below which a search ends."""
DAMPINGS = (0.0, 1e-3, 1e-1, 10.0)
"""Dampings that a step is tried with, one after another, in units of the squared slope in each knot."""
HALF = 10
"""Units of which all subsets are tried with all subsets of as many others."""
TRIED = 4
"""Directions that a search begins from."""


@dataclass(frozen=True)
class Layer:
    """Knots and directions of units, and the mean square error with the best output weights."""

    knots_U: Numbers
    directions_U: Numbers
    mean_square: float


def best_layer(points: WeightedPoints, starts: Iterable[Numbers], enough: float) -> Layer:
    """A layer of ReLUs with a small error, by local searches: an upper bound of the least error of any.

    Args:
        points: What is approximated.
        starts: Knots ``[U]`` that searches begin from, at least one of them of one knot or more.
        enough: Mean square at which the search ends.

    Returns:
        The best that was found.
    """
    best: Layer | None = None
    for start_U in starts:
        knots_U = search(points, start_U, np.ones(len(start_U)), enough, straight=True).knots_U
        for directions_U in promising(points, knots_U):
            layer = search(points, knots_U, directions_U, enough)
            best = layer if best is None or layer.mean_square < best.mean_square else best
            if best.mean_square <= enough:
                return best
    assert best is not None, "no knots to begin from"
    return best


def search(
    points: WeightedPoints, knots_U: Numbers, directions_U: Numbers, enough: float, *, straight: bool = False
) -> Layer:
    """Move knots by Gauss-Newton steps until the error settles or is small enough; it never rises.

    Args:
        points: What is approximated.
        knots_U: Where they begin.
        directions_U: +1 for units that rise to the right of their knot, -1 for those that rise to the left.
        enough: Mean square at which the search ends.
        straight: Whether any straight line is added to the units.

    Returns:
        The layer with the knots of the least error on the way.
    """
    enough -= points.within
    square, slopes_PU, residual_P = _projected(points, knots_U, directions_U, straight)
    for _ in range(STEPS):
        if square <= enough:
            break
        before, gram_UU = square, slopes_PU.T @ slopes_PU
        for damping in DAMPINGS:
            damped_UU = gram_UU + np.diag(damping * np.diag(gram_UU))
            step_U = np.linalg.lstsq(damped_UU, slopes_PU.T @ residual_P, rcond=1e-12)[0]
            moved_U = np.clip(knots_U + step_U, points.x_P[0], points.x_P[-1])
            tried = _projected(points, moved_U, directions_U, straight)
            if tried[0] < square:
                knots_U, (square, slopes_PU, residual_P) = moved_U, tried
                break
        if square >= before * (1 - SETTLED):
            break
    return Layer(knots_U, directions_U, square + points.within)


def _projected(
    points: WeightedPoints, knots_U: Numbers, directions_U: Numbers, straight: bool
) -> tuple[float, Numbers, Numbers]:
    """Mean square of the residuals of the best output weights, their derivatives in the knots, and they themselves.

    The derivatives are Kaufman's: of a unit ``-v d`` where it is on, less what the features can make of it.

    Returns:
        A number, ``[P, U]`` and ``[P]``, the last two times the root of the mass of each point.
    """
    features_PF, root_P = _features(points, knots_U, directions_U, straight)
    basis_PF, weights_F = _solved(features_PF, root_P * points.y_P)
    residual_P = root_P * points.y_P - features_PF @ weights_F
    num_units = len(knots_U)
    slopes_PU = root_P[:, None] * (features_PF[:, :num_units] > 0) * (-weights_F[:num_units] * directions_U)
    slopes_PU = slopes_PU - basis_PF @ (basis_PF.T @ slopes_PU)
    return float(residual_P @ residual_P), slopes_PU, residual_P


def _features(
    points: WeightedPoints, knots_U: Numbers, directions_U: Numbers, straight: bool
) -> tuple[Numbers, Numbers]:
    """Values of the units, of a one and of the line x, each times the root of the mass of the point; these roots."""
    root_P = np.sqrt(points.weights_P)
    units_PU = np.maximum(directions_U * (points.x_P[:, None] - knots_U), 0)
    lines = (np.ones(len(root_P)), points.x_P) if straight else (np.ones(len(root_P)),)
    return root_P[:, None] * np.column_stack([units_PU, *lines]), root_P


def _solved(features_PF: Numbers, values_P: Numbers) -> tuple[Numbers, Numbers]:
    """Orthonormal basis of the features, and the least-squares weights."""
    basis_PF, upper_FF = np.linalg.qr(features_PF)
    diagonal_F = np.abs(np.diag(upper_FF))
    if len(features_PF) >= features_PF.shape[1] and diagonal_F.min() > diagonal_F.max() * 1e-10:
        return basis_PF, np.linalg.solve(upper_FF, basis_PF.T @ values_P)
    basis_PS, sizes_S, turned_SF = np.linalg.svd(features_PF, full_matrices=False)
    kept_S = sizes_S > sizes_S[0] * 1e-12
    basis_PS, sizes_S, turned_SF = basis_PS[:, kept_S], sizes_S[kept_S], turned_SF[kept_S]
    return basis_PS, turned_SF.T @ ((basis_PS.T @ values_P) / sizes_S)


def promising(points: WeightedPoints, knots_U: Numbers) -> list[Numbers]:
    """Directions whose units make nearly the best piecewise linear function with these knots.

    All subsets of the smaller changes of slope are looked at; of the larger ones those that bring their sum closer
    one by one, and the same but for one of them.

    Args:
        points: What is approximated.
        knots_U: Knots.

    Returns:
        Directions ``[U]``, those first that leave the least of the slope before the first knot unmade.
    """
    slope, turns_U = _piecewise_linear(points, knots_U)
    order, left_U = np.argsort(-np.abs(turns_U), kind="stable"), np.zeros(len(knots_U))
    large, small = order[: -2 * HALF], order[-2 * HALF :]
    for unit in large:
        left_U[unit] = abs(slope + left_U @ turns_U + turns_U[unit]) < abs(slope + left_U @ turns_U)
    found: list[tuple[float, Numbers]] = []
    for unit in (None, *large):
        flipped_U = left_U.copy()
        if unit is not None:
            flipped_U[unit] = 1 - flipped_U[unit]
        found += _of_the_smaller(slope, turns_U, small, flipped_U)
    found.sort(key=lambda pair: pair[0])
    return [1 - 2 * looks_left_U for _, looks_left_U in found[:TRIED]]


def _of_the_smaller(
    slope: float, turns_U: Numbers, small: NDArray[np.int64], left_U: Numbers
) -> list[tuple[float, Numbers]]:
    """Subsets of some units whose sums, with those of the others, come closest to minus a slope; how close they come.

    Sums of one half are sorted, so that the best partner of each sum of the other half is found by bisection.

    Returns:
        Distances from minus the slope, and ``[U]`` of ones for units that are taken.
    """
    slope += float(left_U @ turns_U)
    one, other = small[::2], small[1::2]
    of_one_JU, of_other_JU = _choices(len(one)), _choices(len(other))
    sums_J, others_J = of_one_JU @ turns_U[one], of_other_JU @ turns_U[other]
    sorted_J = np.argsort(sums_J, kind="stable")
    above_J = np.searchsorted(sums_J[sorted_J], -slope - others_J)
    pairs = [(sorted_J[np.clip(above_J + side, 0, len(sums_J) - 1)], np.arange(len(others_J))) for side in (-1, 0)]
    one_J, other_J = (np.concatenate(part) for part in zip(*pairs, strict=True))
    rest_J = np.abs(slope + sums_J[one_J] + others_J[other_J])
    found = []
    for choice in np.argsort(rest_J, kind="stable")[:TRIED]:
        looks_left_U = left_U.copy()
        looks_left_U[one], looks_left_U[other] = of_one_JU[one_J[choice]], of_other_JU[other_J[choice]]
        found.append((float(rest_J[choice]), looks_left_U))
    return found


def _choices(number: int) -> Numbers:
    """All subsets, as rows of zeros and ones."""
    return np.array(list(itertools.product((0.0, 1.0), repeat=number))).reshape(2**number, number)


def _piecewise_linear(points: WeightedPoints, knots_U: Numbers) -> tuple[float, Numbers]:
    """First slope and changes of slope of the best continuous piecewise linear function with given knots."""
    features_PF, root_P = _features(points, knots_U, np.ones(len(knots_U)), straight=True)
    weights_F = _solved(features_PF, root_P * points.y_P)[1]
    return float(weights_F[-1]), weights_F[:-2]
