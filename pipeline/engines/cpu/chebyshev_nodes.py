"""Chebyshev nodes that stand for all points of one input, for smooth units: how many are enough, and sums over points.

The value and the derivative of a unit, ``g(a x + c)``, are analytic in ``x`` but for poles at a distance of
``pi / 2 |a|`` from the real line or, for the sigmoid, twice that. In an ellipse with the foci -1 and 1 whose half axes
add up to ``rho`` a function that is at most M differs from the polynomial through K Chebyshev nodes by at most

    ``4 M rho^-(K - 1) / (rho - 1)``

at any point between -1 and 1. So the values at K nodes give those at all points, up to rounding, as long as no unit is
steeper than a bound that depends on K alone.

With the Lagrange polynomials of the nodes in the columns of L, the mean square of ``L f - y`` depends on the values f
at the nodes by ``L^T L``, a matrix of K by K. It is taken of ``e = f - t`` for values t at the nodes that are nearly
those of the targets, so that small errors keep their digits:

    ``mean (L f - y)^2 = e^T G e + 2 e^T d + mean (L t - y)^2``,  ``G = L^T L / N``,  ``d = L^T (L t - y) / N``.

Shape letters: V levels, M nodes.

Source: Trefethen, Approximation Theory and Approximation Practice (extended ed.), Theorem 8.2; Berrut and Trefethen,
Barycentric Lagrange interpolation (SIAM Review 46, 2004).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from pipeline.engines.cpu.codegen.simd import FloatDtype
from pipeline.models.activations import Activation, Sigmoid

NODES = (16, 32, 48, 64, 96, 128)
"""Numbers of nodes, of which the fewest that are enough are taken at each step."""

RADII = np.geomspace(1.005, 200.0, 20_000)
"""Sums of half axes among which the best bound is looked for."""

MOST_KEPT = 4
"""Sets of points whose levels are kept, a MiB each."""


def largest_slope(activation: Activation, num_nodes: int, dtype: FloatDtype) -> float:
    """The steepest unit that the polynomial through some nodes between -1 and 1 follows to the last digit.

    On the ellipse the imaginary part of ``a x + c`` is at most ``|a| b``, ``b = (rho - 1 / rho) / 2``. There the values
    and derivatives of tanh are at most ``1 / cos^2(|a| b)``, those of the sigmoid at most ``1 / cos^2(|a| b / 2)``, and
    x itself is at most ``(rho + 1 / rho) / 2``.

    Args:
        activation: Tanh or the sigmoid.
        num_nodes: K.
        dtype: Whose unit in the last place, of numbers below 1, the error is to be below.

    Returns:
        The largest ``|a|``, zero where no slope is flat enough.
    """
    half, across = (RADII + 1 / RADII) / 2, (RADII - 1 / RADII) / 2
    unit = float(np.finfo(dtype).eps) / 2
    with np.errstate(over="ignore"):  # where a power of rho is infinite, no cosine is too small
        least = 4 * half / (RADII ** (num_nodes - 1) * (RADII - 1) * unit)
    angle = np.arccos(np.sqrt(np.minimum(least, 1.0)))
    return float((angle * (2 if isinstance(activation, Sigmoid) else 1) / across).max())


def chebyshev_nodes(num_nodes: int) -> np.ndarray:
    """The zeros of a Chebyshev polynomial, ``cos((2 k + 1) pi / 2 K)``, from the least to the largest."""
    return np.cos((2 * np.arange(num_nodes)[::-1] + 1) * math.pi / (2 * num_nodes))


def lagrange_polynomials(nodes_M: np.ndarray, x_P: np.ndarray) -> np.ndarray:
    """The Lagrange polynomials of nodes at some points, by the barycentric formula.

    Args:
        nodes_M: Nodes between -1 and 1, about those of Chebyshev, no two of them equal.
        x_P: Points.

    Returns:
        Shape ``[P, M]``, rows that add up to 1, in the precision of NumPy's longdouble.
    """
    nodes_M, x_P = nodes_M.astype(np.longdouble), x_P.astype(np.longdouble)
    between_MM = 2 * (nodes_M[:, None] - nodes_M)
    np.fill_diagonal(between_MM, 1)
    away_PM = x_P[:, None] - nodes_M
    on_PM = away_PM == 0
    parts_PM = 1 / between_MM.prod(axis=1) / np.where(on_PM, 1, away_PM)
    at_node_P1 = on_PM.any(axis=1, keepdims=True)
    found: np.ndarray = np.where(at_node_P1, on_PM, parts_PM / parts_PM.sum(axis=1, keepdims=True))
    return found


@dataclass(frozen=True)
class NodeLevels:
    """What a step on nodes takes, for each number of nodes; shorter rows are filled up with zeros to the longest.

    Args:
        counts_V: Numbers of nodes, fewest first.
        slopes_V: The steepest unit for which each is enough.
        inputs_VM: The nodes among the inputs.
        targets_VKM: t.
        offsets_VKM: d.
        grams_VMM: G.
        constants_V: The sums over outputs of ``mean (L t - y)^2``.
    """

    counts_V: np.ndarray
    slopes_V: np.ndarray
    inputs_VM: np.ndarray
    targets_VKM: np.ndarray
    offsets_VKM: np.ndarray
    grams_VMM: np.ndarray
    constants_V: np.ndarray

    @property
    def most_nodes(self) -> int:
        """The longest row."""
        return self.inputs_VM.shape[1]


def node_levels(
    activation: Activation, inputs_P: np.ndarray, targets_KP: np.ndarray, dtype: FloatDtype, multiple: int
) -> NodeLevels:
    """The levels for some points, none with more than half as many nodes; where all points are equal there are none.

    They take as long as the training of a small pack, and packs of all widths have the same: the last are kept.

    Args:
        activation: Tanh or the sigmoid.
        inputs_P: Inputs as they are trained on, in any order.
        targets_KP: Targets.
        dtype: Of the arithmetic.
        multiple: What numbers of nodes are multiples of.

    Returns:
        Arrays in the dtype, not to be written to.
    """
    points = [rows.astype(dtype, order="C") for rows in (inputs_P, targets_KP)]
    return _levels(activation, points[0].tobytes(), points[1].tobytes(), len(targets_KP), dtype, multiple)


@functools.lru_cache(MOST_KEPT)
def _levels(
    activation: Activation, inputs: bytes, targets: bytes, num_outputs: int, dtype: FloatDtype, multiple: int
) -> NodeLevels:
    """The levels for points that are given as bytes, by which they are known again."""
    inputs_P, targets_KP = np.frombuffer(inputs, dtype), np.frombuffer(targets, dtype).reshape(num_outputs, -1)
    x_P, y_KP = inputs_P.astype(np.longdouble), targets_KP.astype(np.longdouble)
    middle, half = (x_P.max() + x_P.min()) / 2, (x_P.max() - x_P.min()) / 2
    fit = [number for number in NODES if number % multiple == 0 and 2 * number <= len(x_P)]
    counts = fit if half > 0 else []
    most, outputs, size = max(counts, default=multiple), len(y_KP), len(counts)
    slopes_V, constants_V, inputs_VM = np.zeros(size), np.zeros(size), np.zeros((size, most))
    targets_VKM, offsets_VKM = np.zeros((2, size, outputs, most))
    grams_VMM = np.zeros((size, most, most))
    order_P = np.argsort(x_P, kind="stable")
    for level, count in enumerate(counts):
        here = slice(count)
        nodes_M = (middle + half * chebyshev_nodes(count)).astype(dtype)
        polynomials_PM = lagrange_polynomials((nodes_M - middle) / half, (x_P - middle) / half)
        t_KM = np.stack([np.interp(nodes_M, x_P[order_P].astype(float), y_P[order_P].astype(float)) for y_P in y_KP])
        t_KM = t_KM.astype(dtype).astype(np.longdouble)
        left_KP = t_KM @ polynomials_PM.T - y_KP
        slopes_V[level] = largest_slope(activation, count, dtype) / float(half)
        inputs_VM[level, here], targets_VKM[level, :, here] = nodes_M, t_KM
        offsets_VKM[level, :, here] = left_KP @ polynomials_PM / len(x_P)
        grams_VMM[level, here, here] = polynomials_PM.T @ polynomials_PM / len(x_P)
        constants_V[level] = (left_KP * left_KP).sum() / len(x_P)
    rows = (slopes_V, inputs_VM, targets_VKM, offsets_VKM, grams_VMM, constants_V)
    return NodeLevels(np.array(counts, dtype=np.int64), *(row.astype(dtype) for row in rows))
