"""Segmented least squares: the best N straight lines through points of one input, which need not join.

Dynamic programming over where a line ends finds the least error exactly, for every number of lines up to the most:
``D_k(j) = min_i D_(k-1)(i - 1) + C(i, j)``, with C(i, j) the squared error of the best line through the points i to j.
A continuous piecewise linear function of n kinks is made of n + 1 lines that join, so its error is no less.

Shape letters: C cells, L lines.

Source: Bellman, "On the approximation of curves by line segments using dynamic programming" (1961).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 4096
"""Cells at most: their errors of lines take 128 MiB, and half a second for every 20 lines."""
ROWS = 64
"""First cells whose lines are fitted at a time: sums begin there, so that short lines keep their digits."""
ROUNDING = 1e-12
"""Of the variance of the values: what all errors of lines together may have lost to rounding."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class WeightedPoints:
    """A discrete measure of one input with values: no two inputs are equal.

    Args:
        x_P: Inputs, increasing.
        weights_P: Masses, above 0, of sum 1.
        y_P: Mean value at each input.
        within: Mean square of the values about these means, below which the error of no function comes.
    """

    x_P: Numbers
    weights_P: Numbers
    y_P: Numbers
    within: float

    @property
    def variance(self) -> float:
        """Variance of the mean values."""
        centred_P = self.y_P - self.weights_P @ self.y_P
        return float(self.weights_P @ centred_P**2)


def weighted_points(x_P: Numbers, y_P: Numbers, weights_P: Numbers | None = None) -> WeightedPoints:
    """Points in the order of their inputs, equal inputs made one; points of mass 0 are left out.

    Args:
        x_P: Inputs.
        y_P: Values.
        weights_P: Masses, none negative; ``None``: alike.

    Returns:
        A measure of mass 1.

    Raises:
        ValueError: If a mass is negative.
    """
    weights_P = np.full(len(x_P), 1 / len(x_P)) if weights_P is None else weights_P / weights_P.sum()
    if (weights_P < 0).any():
        raise ValueError("a mass is negative")
    some_P = weights_P > 0
    x_P, y_P, weights_P = x_P[some_P], y_P[some_P], weights_P[some_P]
    inputs, place_P = np.unique(x_P, return_inverse=True)
    if len(inputs) == len(x_P):
        order_P = np.argsort(x_P)
        return WeightedPoints(inputs, weights_P[order_P], y_P[order_P], 0.0)
    mass = np.bincount(place_P, weights_P).astype(np.float64)
    means = np.bincount(place_P, weights_P * y_P) / mass
    return WeightedPoints(inputs, mass, means, float(weights_P @ (y_P - means[place_P]) ** 2))


@dataclass(frozen=True)
class BestLines:
    """The least errors of up to L lines, and what they were found from.

    Args:
        points: The points.
        first_C: First point of each cell.
        lost: Whether a cell is left out where one line ends and the next begins.
        errors_CC: Squared error of the best line from a cell to another, both included; infinite below the diagonal.
        least_LC: Least squared error of as many lines up to each cell.
    """

    points: WeightedPoints
    first_C: NDArray[np.int64]
    lost: bool
    errors_CC: Numbers
    least_LC: Numbers

    def mean_square(self, num_lines: int) -> float:
        """Least mean square of N lines, less what rounding may have added: no N lines that join have less.

        Args:
            num_lines: N, at most L.

        Returns:
            In squared units of the values, at least 0.
        """
        exact = float(self.least_LC[num_lines - 1, -1]) - ROUNDING * self.points.variance
        return max(exact, 0.0) + self.points.within

    def breaks(self, num_lines: int) -> Numbers:
        """Breaks between the N best lines: where neighbours meet, or the middle of the gap if they meet elsewhere.

        Args:
            num_lines: N, at most L.

        Returns:
            Increasing inputs, N - 1 or fewer where there are too few points.
        """
        pieces, x_P, places = self._pieces(num_lines), self.points.x_P, []
        fits = [_line(self.points, *piece) for piece in pieces]
        for (_, end), (begin, _), left, right in zip(pieces, pieces[1:], fits, fits[1:], strict=False):
            low, high, turn = x_P[end], x_P[begin], right[1] - left[1]
            meet = (left[0] - right[0]) / turn if turn else np.nan
            places.append(meet if low <= meet <= high else (low + high) / 2)
        return np.array(places)

    def gaps(self, num_lines: int) -> Numbers:
        """Both ends of the gaps between the N best lines: two kinks for each jump.

        Args:
            num_lines: N, at most L.

        Returns:
            Increasing inputs, at most 2 (N - 1).
        """
        pieces, x_P = self._pieces(num_lines), self.points.x_P
        return np.array([x_P[place] for (_, end), (begin, _) in itertools.pairwise(pieces) for place in (end, begin)])

    def _pieces(self, num_lines: int) -> list[tuple[int, int]]:
        """First and last point of each of the N best lines, from left to right."""
        last, shift, pieces = len(self.first_C) - 1, 1 + self.lost, []
        rounding = ROUNDING * self.points.variance
        end_C = np.append(self.first_C[1:], len(self.points.x_P)) - 1
        for line in range(num_lines - 1, 0, -1):
            totals = self.errors_CC[shift : last + 1, last] + self.least_LC[line - 1, : max(last + 1 - shift, 0)]
            if not len(totals) or totals.min() >= self.errors_CC[0, last] - rounding:
                break  # one line is as good
            begin = int(np.argmin(totals)) + shift
            pieces.append((int(self.first_C[begin]), int(end_C[last])))
            last = begin - shift
        return [(0, int(end_C[last])), *reversed(pieces)]


def best_lines(points: WeightedPoints, most_lines: int, most_cells: int = MOST_CELLS) -> BestLines:
    """The least errors of 1 to L lines through points.

    Up to ``most_cells`` points each is a cell of its own, and the errors are exact. More points are put together in
    cells of equal numbers, and the cell in which one line ends and the next begins is left out: an error is then no
    more than the exact one, whose line may end inside a cell.

    Args:
        points: At least one.
        most_lines: L.
        most_cells: C at most.

    Returns:
        As many errors as lines were asked for.
    """
    num_points = len(points.x_P)
    num_cells = min(num_points, most_cells)
    first_C = np.arange(num_cells) * num_points // num_cells
    lost = num_cells < num_points
    errors_CC = _errors_of_lines(points, first_C)
    least_LC = np.empty((most_lines, num_cells))
    least_LC[0] = errors_CC[0]
    for line in range(1, most_lines):
        least_LC[line] = _one_more_line(least_LC[line - 1], errors_CC, 1 + lost)
    return BestLines(points, first_C, lost, errors_CC, least_LC)


def _one_more_line(least_C: Numbers, errors_CC: Numbers, shift: int) -> Numbers:
    """Least errors of one more line: ``min_i D(i - shift) + C(i, j)``, or those without it where they are less."""
    more_C = least_C.copy()
    more_C[:shift] = 0.0
    for low in range(shift, len(least_C), ROWS):
        rows = slice(low, low + ROWS)
        totals = errors_CC[rows, low:] + least_C[low - shift : low - shift + len(errors_CC[rows]), None]
        np.minimum(more_C[low:], totals.min(axis=0), out=more_C[low:])
    return more_C


def _errors_of_lines(points: WeightedPoints, first_C: NDArray[np.int64]) -> Numbers:
    """Squared errors ``[C, C]`` of the best line from each cell to each."""
    num_cells = len(first_C)
    errors_CC = np.full((num_cells, num_cells), np.inf)
    below = np.tril(np.ones((ROWS, ROWS), dtype=bool), -1)
    for low in range(0, num_cells, ROWS):
        high = min(low + ROWS, num_cells)
        block = _block_of_errors(points, first_C, low, high)
        block[:, : high - low][below[: high - low, : high - low]] = np.inf
        errors_CC[low:high, low:] = block
    return errors_CC


def _block_of_errors(points: WeightedPoints, first_C: NDArray[np.int64], low: int, high: int) -> Numbers:
    """Errors of lines from the cells ``low`` to ``high`` to that one and all later ones, by sums that begin there."""
    origin = first_C[low]
    w, x, y = (part[origin:] for part in (points.weights_P, points.x_P, points.y_P))
    x, y = x - x[0], y - y[0]
    sums = np.cumsum([w, w * x, w * y, w * x * x, w * x * y, w * y * y], axis=1)
    sums = np.concatenate([np.zeros((6, 1)), sums], axis=1)
    begin = first_C[low:high] - origin
    end = np.append(first_C[low + 1 :], len(points.x_P)) - origin
    with np.errstate(divide="ignore", invalid="ignore"):
        mass, sx, sy, sxx, sxy, syy = sums[:, None, end] - sums[:, begin, None]
        mean_x, mean_y = sx / mass, sy / mass
        spread = sxx - mean_x * sx
        together = sxy - mean_x * sy
        errors = syy - mean_y * sy - np.where(spread > 0, together * together / spread, 0.0)
    return np.maximum(errors, 0.0, out=errors)


def _line(points: WeightedPoints, begin: int, end: int) -> tuple[float, float]:
    """Value at 0 and slope of the best line through the points ``begin`` to ``end``, both included."""
    w, x, y = (part[begin : end + 1] for part in (points.weights_P, points.x_P, points.y_P))
    mean_x, mean_y = np.average(x, weights=w), np.average(y, weights=w)
    across = x - mean_x
    spread = w @ across**2
    slope = (w * across) @ y / spread if spread > 0 else 0.0
    return float(mean_y - slope * mean_x), float(slope)
