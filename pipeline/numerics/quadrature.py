"""Means over a box under its uniform law, with an error bar: Gauss up to three dimensions, Sobol above.

A mean, not an integral: the weights of every rule have the sum 1. Times the volume of the
box it is the integral.

Shape letters as everywhere, and C for cells of one axis, R for independent scrambles.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.numerics.randomness import stream

MAX_GAUSS_DIMENSION = 3
"""Above it a tensor product of points is too coarse in each direction."""
NODES = 4
"""Gauss nodes of a cell, exact to degree 7."""
SCRAMBLES = 16


@dataclass(frozen=True)
class Estimate:
    """A mean and how far it may be off."""

    value: Tensor
    error: Tensor
    """Of a Gauss rule the distance to the rule of one node less a cell; of Sobol points one standard error."""


def mean(
    function: Callable[[Tensor], Tensor],
    dimension: int,
    *,
    low: float = -1.0,
    high: float = 1.0,
    breaks: Sequence[float] = (),
    num_points: int = 2**14,
    seed: int = 0,
) -> Estimate:
    """Mean of a function over the box ``[low, high]^D``; NaN where a value of it is.

    Args:
        function: From points ``[P, D]`` to values ``[..., P]``, points last.
        dimension: D.
        low: Left end of every axis.
        high: Right end of every axis.
        breaks: Where the function or a derivative jumps along any axis; used by the Gauss rule.
        num_points: About how many points of a Gauss rule, unless there are many breaks; of each of the 16
            scrambles of Sobol points the next power of two.
        seed: Names the scrambles.

    Raises:
        PipelineError: If there is no such box.
    """
    _check_box(dimension, low, high)
    if dimension <= MAX_GAUSS_DIMENSION:
        num_cells = max(round(num_points ** (1 / dimension)) // NODES, 1)
        ends_C = cell_ends(low, high, breaks, num_cells)
        fine, coarse = (_gauss_mean(function, ends_C, dimension, nodes) for nodes in (NODES, NODES - 1))
        return Estimate(fine, (fine - coarse).abs())
    power = math.ceil(math.log2(max(num_points, 1)))
    scrambles = sobol(dimension, power, low=low, high=high, seed=seed)
    means_R = torch.stack([function(points_PD).mean(dim=-1) for points_PD in scrambles])
    return Estimate(means_R.mean(dim=0), means_R.std(dim=0) / math.sqrt(SCRAMBLES))


def cell_ends(low: float, high: float, breaks: Sequence[float], num_cells: int) -> Tensor:
    """Ends of at least so many cells of ``[low, high]``, every break inside among them, shape ``[C + 1]``.

    Between two breaks cells are equal.
    """
    inside = sorted({float(point) for point in breaks if low < point < high})
    parts = []
    for left, right in itertools.pairwise([low, *inside, high]):
        share = max(math.ceil(num_cells * (right - left) / (high - low)), 1)
        parts.append(np.linspace(left, right, share, endpoint=False))
    return torch.from_numpy(np.append(np.concatenate(parts), high))


def gauss(ends_C: Tensor, dimension: int, nodes: int = NODES) -> tuple[Tensor, Tensor]:
    """Composite tensor Gauss-Legendre rule of equal cells on every axis: points ``[P, D]`` and weights ``[P]``.

    Exact for polynomials of degree ``2 nodes - 1`` in each variable on each cell.

    Source: DLMF, section 3.5(v).
    """
    node, weight = (torch.from_numpy(part) for part in np.polynomial.legendre.leggauss(nodes))
    size_C1 = ends_C.diff()[:, None]
    line = (ends_C[:-1, None] + size_C1 * (node + 1) / 2).flatten()
    weight_of_line = (size_C1 * weight).flatten() / (2 * (ends_C[-1] - ends_C[0]))
    points_PD = torch.cartesian_prod(*[line] * dimension).view(-1, dimension)
    weights_P = torch.cartesian_prod(*[weight_of_line] * dimension).view(-1, dimension).prod(dim=1)
    return points_PD, weights_P


def sobol(
    dimension: int, power: int, *, low: float = -1.0, high: float = 1.0, scrambles: int = SCRAMBLES, seed: int = 0
) -> Tensor:
    """Independently scrambled Sobol points, ``2^power`` each, inside the box, shape ``[R, P, D]``.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing points" (1998); Matousek (1998) for the linear scrambling.
    """
    largest = torch.quasirandom.SobolEngine.MAXDIM
    if dimension > largest:
        raise PipelineError(f"there are no Sobol points in {dimension} dimensions", hint=f"take at most {largest}")
    names = stream("sobol", seed).integers(2**63, size=scrambles)
    unit_RPD = torch.stack([_sobol_unit(dimension, power, int(name)) for name in names])
    return low + (high - low) * unit_RPD


def _sobol_unit(dimension: int, power: int, name: int) -> Tensor:
    """One scramble inside the unit cube: midpoints of cells of 2^-30, so that no point lies on a face."""
    engine = torch.quasirandom.SobolEngine(dimension, scramble=True, seed=name)
    points_PD = engine.draw_base2(power, dtype=torch.float64)
    points_PD[0] = engine.shift.double() / 2**engine.MAXBIT  # torch rounds the first point to float32
    return points_PD + 0.5 / 2**engine.MAXBIT


def _gauss_mean(function: Callable[[Tensor], Tensor], ends_C: Tensor, dimension: int, nodes: int) -> Tensor:
    points_PD, weights_P = gauss(ends_C, dimension, nodes)
    return (function(points_PD) * weights_P).sum(dim=-1)


def _check_box(dimension: int, low: float, high: float) -> None:
    if dimension < 1:
        raise PipelineError(f"a box of {dimension} dimensions has no points", hint="take at least 1 dimension")
    if not (low < high and math.isfinite(high - low)):
        raise PipelineError(f"[{low!r}, {high!r}] is no interval", hint="take finite ends, the left one first")
