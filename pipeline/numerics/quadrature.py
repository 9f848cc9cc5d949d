"""Means over a box under the uniform distribution, with an error estimate: Gauss to three dimensions, Sobol above.

A mean, not an integral: the weights of every rule have the sum 1. Times the volume of the
box it is the integral.

Shape letters: B cell boundaries, E estimates, G grid cells, I pieces of cut cells, J nodes, M kinks, Q own points.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import PipelineError
from pipeline.numerics.randomness import stream

MAX_GAUSS_DIMENSION = 3
"""Above it a tensor product of points is too coarse in each direction."""
NODES = 4
"""Gauss nodes of a cell, exact to degree 7."""
SCRAMBLES = 16
"""Independent scrambles of Sobol points, from whose scatter the standard error is taken."""
KRONROD_NODES = 7
"""Of a cell of a Kronrod rule, which holds a Gauss rule of three."""


@dataclass(frozen=True)
class MeanEstimate:
    """Estimate of a mean, with an estimate of its error."""

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
) -> MeanEstimate:
    """Mean of a function over the box ``[low, high]^D``, by a composite Gauss rule or by scrambled Sobol points.

    Args:
        function: From points ``[P, D]`` to values ``[..., P]``, points last.
        dimension: D.
        low: Left end of every axis.
        high: Right end of every axis.
        breaks: Where the function or a derivative jumps along any axis; used by the Gauss rule.
        num_points: About how many points of a Gauss rule, unless there are many breaks; of each of the 16
            scrambles of Sobol points the next power of two.
        seed: Names the scrambles.

    Returns:
        Mean and error, both ``[...]``; NaN where a value of the function is.

    Raises:
        PipelineError: If the dimension is below 1 or the ends are no finite interval.
    """
    _check_box(dimension, low, high)
    if dimension <= MAX_GAUSS_DIMENSION:
        num_cells = max(round(num_points ** (1 / dimension)) // NODES, 1)
        boundaries_B = cell_boundaries(low, high, breaks, num_cells)
        fine, coarse = (_gauss_mean(function, boundaries_B, dimension, nodes) for nodes in (NODES, NODES - 1))
        return MeanEstimate(fine, (fine - coarse).abs())
    power = math.ceil(math.log2(max(num_points, 1)))
    scrambles = sobol(dimension, power, low=low, high=high, seed=seed)
    means_E = torch.stack([function(points_PD).mean(dim=-1) for points_PD in scrambles])
    return MeanEstimate(means_E.mean(dim=0), means_E.std(dim=0) / math.sqrt(SCRAMBLES))


def cell_boundaries(low: float, high: float, breaks: Sequence[float], num_cells: int) -> Tensor:
    """Boundaries of at least ``num_cells`` cells of ``[low, high]``, every break inside among them.

    Args:
        low: Left end.
        high: Right end.
        breaks: Points that must be boundaries, in any order; those outside are left out.
        num_cells: Cells at least; between two breaks they are equal.

    Returns:
        Shape ``[B]``, increasing, float64.
    """
    inside = sorted({float(point) for point in breaks if low < point < high})
    parts = []
    for left, right in itertools.pairwise([low, *inside, high]):
        num_parts = max(math.ceil(num_cells * (right - left) / (high - low)), 1)
        parts.append(np.linspace(left, right, num_parts, endpoint=False))
    return torch.from_numpy(np.append(np.concatenate(parts), high))


def gauss(boundaries_B: Tensor, dimension: int, nodes: int = NODES) -> tuple[Tensor, Tensor]:
    """Composite tensor Gauss-Legendre rule, with the same cells on every axis.

    Exact for polynomials of degree ``2 nodes - 1`` in each variable on each cell.

    Args:
        boundaries_B: Cell boundaries of every axis, increasing.
        dimension: D.
        nodes: Nodes of a cell on every axis.

    Returns:
        Points ``[P, D]`` and weights ``[P]`` of sum 1, float64.

    Example:
        Two nodes average x^2 over [-1, 1] exactly.

        >>> points_PD, weights_P = gauss(torch.tensor([-1.0, 1.0]).double(), dimension=1, nodes=2)
        >>> round(float(weights_P @ points_PD[:, 0] ** 2), 12)
        0.333333333333

    Source: DLMF, section 3.5(v).
    """
    node, weight = np.polynomial.legendre.leggauss(nodes)
    points_PD, weights_1P = _composite(boundaries_B, dimension, node, weight)
    return points_PD, weights_1P[0]


def kronrod(boundaries_B: Tensor, dimension: int) -> tuple[Tensor, Tensor]:
    """Composite tensor Gauss-Kronrod rule of seven nodes a cell, as two rows of weights.

    The mean of the rows is the Kronrod rule, exact to degree 11 in each variable on each cell; half
    their difference is its distance from the Gauss rule of three of its nodes, exact to degree 5.

    Args:
        boundaries_B: Cell boundaries of every axis, increasing.
        dimension: D.

    Returns:
        Points ``[P, D]`` and weights ``[2, P]``, each row of sum 1, float64.

    Source: Kronrod (1965); the Stieltjes polynomial of three Gauss nodes is x^4 - 10/9 x^2 + 155/891.
    """
    root = math.sqrt(25 / 81 - 155 / 891)
    outer, inner, of_gauss = math.sqrt(5 / 9 + root), math.sqrt(5 / 9 - root), math.sqrt(3 / 5)
    node = np.array([-outer, -of_gauss, -inner, 0.0, inner, of_gauss, outer])
    moments = np.array([2 / (degree + 1) if degree % 2 == 0 else 0.0 for degree in range(7)])
    weight = np.linalg.solve(np.vander(node, increasing=True).T, moments)
    coarse = np.array([0, 5, 0, 8, 0, 5, 0]) / 9
    points_PD, (fine_P, coarse_P) = _composite(boundaries_B, dimension, node, weight, coarse)
    return points_PD, torch.stack([2 * fine_P - coarse_P, coarse_P])


@functools.lru_cache(maxsize=4)  # scrambling takes a quarter of a second, and the packs of a sweep ask alike
def rule(
    dimension: int,
    num_points: int,
    *,
    low: float = -1.0,
    high: float = 1.0,
    breaks: tuple[float, ...] = (),
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Quadrature rule for means over a box, as E rows of weights that give as many estimates.

    Their mean is the estimate, their standard error its own error: of a Gauss-Kronrod rule up to three dimensions, of
    16 scrambles of Sobol points above. Cells are a power of two on every axis, so that no function that breaks at
    dyadic points of the box breaks inside one, and are cut once more at the breaks.

    Args:
        dimension: D.
        num_points: Most points, but for cells that are cut, and at least one cell or one point a scramble.
        low: Left end of every axis.
        high: Right end of every axis.
        breaks: Where the function or a derivative jumps along any axis.
        seed: Names the scrambles.

    Returns:
        Points ``[P, D]`` and weights ``[E, P]``, each row of sum 1, float64.

    Raises:
        PipelineError: If the dimension is below 1 or the ends are no finite interval.
    """
    _check_box(dimension, low, high)
    if dimension <= MAX_GAUSS_DIMENSION:
        return kronrod(boundaries_of_rule(dimension, num_points, low=low, high=high, breaks=breaks), dimension)
    power = max(math.floor(math.log2(max(num_points, 1) / SCRAMBLES)), 0)
    scrambles_EPD = sobol(dimension, power, low=low, high=high, seed=seed)
    weights_EP = torch.eye(SCRAMBLES, dtype=torch.float64).repeat_interleave(2**power, dim=1) / 2**power
    return scrambles_EPD.flatten(0, 1), weights_EP


def boundaries_of_rule(
    dimension: int, num_points: int, *, low: float = -1.0, high: float = 1.0, breaks: tuple[float, ...] = ()
) -> Tensor:
    """Cell boundaries of every axis of ``rule`` up to three dimensions.

    Args:
        dimension: D.
        num_points: Most points.
        low: Left end.
        high: Right end.
        breaks: Points that must be boundaries; those outside are left out.

    Returns:
        Shape ``[B]``, increasing, float64.
    """
    num_cells = 1
    while (2 * num_cells * KRONROD_NODES) ** dimension <= num_points:
        num_cells *= 2
    inside = [point for point in breaks if low < point < high]
    return torch.from_numpy(np.union1d(np.linspace(low, high, num_cells + 1), inside))


def weighted_mean_between_kinks(
    values_TP: Tensor, weights_EP: Tensor, boundaries_B: Tensor, kinks_TM: Tensor, values_at: Callable[[Tensor], Tensor]
) -> MeanEstimate:
    """Mean by a composite Kronrod rule whose cells are cut at the kinks of each function, of one input.

    A rule of high degree on a cell with a kink inside has the error of a low one; cut there, each piece is smooth.

    Args:
        values_TP: Values at the points of the rule.
        weights_EP: Its weights.
        boundaries_B: Its cell boundaries, from ``boundaries_of_rule``.
        kinks_TM: Kinks of each function, in any order; those outside are left out.
        values_at: From points of each function, ``[T, Q]``, to values there, of the same shape.

    Returns:
        Mean and error, both ``[T]``, float64.
    """
    low, high, num_cells = float(boundaries_B[0]), float(boundaries_B[-1]), len(boundaries_B) - 1
    kinks_TM = kinks_TM.nan_to_num(low).clamp(low, high).sort(dim=1).values
    cell_TM = (torch.searchsorted(boundaries_B, kinks_TM, right=True) - 1).clamp(0, num_cells - 1)
    # The kink before, where it is in the same cell.
    left_TM = torch.maximum(boundaries_B[cell_TM], kinks_TM.roll(1, dims=1))
    left_TM[:, :1] = boundaries_B[cell_TM[:, :1]]
    is_last_TM = torch.cat(
        [cell_TM[:, 1:] != cell_TM[:, :-1], torch.ones_like(cell_TM[:, :1], dtype=torch.bool)], dim=1
    )
    right_TM = torch.where(is_last_TM, boundaries_B[cell_TM + 1], kinks_TM)
    start_TI1 = torch.cat([left_TM, kinks_TM], dim=1)[..., None]
    size_TI1 = torch.cat([kinks_TM, right_TM], dim=1)[..., None] - start_TI1
    node_J, weights_EJ = _kronrod_of_one_cell()
    points_TIJ = start_TI1 + size_TI1 * node_J
    values_TIJ = values_at(points_TIJ.flatten(1)).view(points_TIJ.shape).to(weights_EP)
    cut_means_TE = torch.einsum("tij,ti,ej->te", values_TIJ, size_TI1[..., 0] / (high - low), weights_EJ)
    uncut_TG = torch.ones(len(kinks_TM), num_cells, dtype=torch.bool).scatter(1, cell_TM, False)
    uncut_TP = uncut_TG.repeat_interleave(KRONROD_NODES, dim=1)
    return _estimate_of(torch.where(uncut_TP, values_TP.to(weights_EP), 0.0) @ weights_EP.mT + cut_means_TE)


@functools.cache
def _kronrod_of_one_cell() -> tuple[Tensor, Tensor]:
    """Nodes of the Kronrod rule on [0, 1], and its two rows of weights."""
    points_PD, weights_EP = kronrod(torch.tensor([0.0, 1.0], dtype=torch.float64), 1)
    return points_PD[:, 0], weights_EP


def _estimate_of(means_TE: Tensor) -> MeanEstimate:
    """Mean and standard error of estimates ``[T, E]``."""
    value_T, error_T = means_TE.mean(dim=1), means_TE.std(dim=1) / math.sqrt(means_TE.shape[1])
    return MeanEstimate(value_T, error_T.where(value_T.isfinite(), value_T))


def weighted_mean(values_TP: Tensor, weights_EP: Tensor) -> MeanEstimate:
    """Weighted mean ``sum_p w_p f_p`` of the values at the points of a quadrature rule, with its standard error.

    Args:
        values_TP: Values f at the points of the rule.
        weights_EP: Rows of weights, each of sum 1, that give as many estimates.

    Returns:
        The mean over the rows and its standard error, both ``[T]``, float64; both infinite or NaN where the mean is.
    """
    means_TE = values_TP.to(weights_EP) @ weights_EP.mT
    value_T = values_TP.to(weights_EP) @ weights_EP.mean(dim=0)
    error_T = means_TE.std(dim=1) / math.sqrt(len(weights_EP))
    return MeanEstimate(value_T, error_T.where(value_T.isfinite(), value_T))


def sobol(
    dimension: int, power: int, *, low: float = -1.0, high: float = 1.0, scrambles: int = SCRAMBLES, seed: int = 0
) -> Tensor:
    """Independently scrambled Sobol points inside a box.

    Args:
        dimension: D.
        power: Binary logarithm of the points of each scramble.
        low: Left end of every axis.
        high: Right end of every axis.
        scrambles: E, how many scrambles.
        seed: Names the scrambles.

    Returns:
        Shape ``[E, 2^power, D]``, float64; no point lies on a face of the box.

    Raises:
        PipelineError: If D is above the most dimensions that torch has Sobol points in.

    Source: Owen, "Scrambling Sobol' and Niederreiter-Xing points" (1998); Matousek (1998) for the linear scrambling.
    """
    largest = torch.quasirandom.SobolEngine.MAXDIM
    if dimension > largest:
        raise PipelineError(f"there are no Sobol points in {dimension} dimensions", hint=f"take at most {largest}")
    names = stream("sobol", seed).integers(2**63, size=scrambles)
    unit_EPD = torch.stack([_sobol_unit(dimension, power, int(name)) for name in names])
    return low + (high - low) * unit_EPD


def _sobol_unit(dimension: int, power: int, name: int) -> Tensor:
    """One scramble inside the unit cube: midpoints of cells of 2^-30, so that no point lies on a face."""
    engine = torch.quasirandom.SobolEngine(dimension, scramble=True, seed=name)
    points_PD = engine.draw_base2(power, dtype=torch.float64)
    points_PD[0] = engine.shift.double() / 2**engine.MAXBIT  # torch rounds the first point to float32
    return points_PD + 0.5 / 2**engine.MAXBIT


def _composite(
    boundaries_B: Tensor, dimension: int, node: NDArray[np.float64], *weights: NDArray[np.float64]
) -> tuple[Tensor, Tensor]:
    """Tensor rules of sum 1 from rules of sum 2 on [-1, 1], in every cell: points ``[P, D]``, a row of weights each."""
    size_G1 = boundaries_B.diff()[:, None]

    def in_every_cell(line: Tensor) -> Tensor:
        return torch.cartesian_prod(*[line.flatten()] * dimension).view(-1, dimension)

    points_PD = in_every_cell(boundaries_B[:-1, None] + size_G1 * (torch.from_numpy(node) + 1) / 2)
    parts = (size_G1 * torch.from_numpy(weight) / (2 * (boundaries_B[-1] - boundaries_B[0])) for weight in weights)
    return points_PD, torch.stack([in_every_cell(part).prod(dim=1) for part in parts])


def _gauss_mean(function: Callable[[Tensor], Tensor], boundaries_B: Tensor, dimension: int, nodes: int) -> Tensor:
    """Mean of a function by the composite Gauss rule of ``nodes`` nodes a cell."""
    points_PD, weights_P = gauss(boundaries_B, dimension, nodes)
    return (function(points_PD) * weights_P).sum(dim=-1)


def _check_box(dimension: int, low: float, high: float) -> None:
    if dimension < 1:
        raise PipelineError(f"a box of {dimension} dimensions has no points", hint="take at least 1 dimension")
    if not (low < high and math.isfinite(high - low)):
        raise PipelineError(f"[{low!r}, {high!r}] is no interval", hint="take finite ends, the left one first")
