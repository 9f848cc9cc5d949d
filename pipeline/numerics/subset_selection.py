"""Subset selection from a dictionary: greedy algorithms, and the exhaustive search for the best subset.

A dictionary is a matrix ``[P, M]``: M atoms at P points, with the weights of a quadrature
if the points have any. Norms are roots of weighted sums of squares, over all targets:
with weights of sum 1 the root of a mean, with those of an integral the L2 norm, and
without weights the Euclidean norm.

Shape letters: B subsets, J chosen atoms, M atoms.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.errors import PipelineError

INDEPENDENT_ABOVE = 1e-12
"""Fraction of the square of an atom that the chosen ones must leave; below it float64 knows no direction any more."""
NOTHING_BELOW = 1e-13
"""Fraction of the norm of the targets below which a residual is rounding, and tells atoms apart by nothing else."""
TIE = 1e-9
"""Relative difference of two scores that is rounding."""
MAX_CHOICES = 100_000
"""Most subsets that are searched one by one."""
CHOICES_AT_ONCE = 4096
"""Subsets that are decomposed in one stack."""


@dataclass(frozen=True)
class Selection:
    """Selected atoms and the norms of their residuals."""

    atoms: tuple[int, ...]
    """Columns of the dictionary, in the order in which they were chosen."""
    residual_norms_J: Tensor
    """Norm of the residual of the best combination of the first atoms, after each choice."""


def orthogonal_least_squares(
    dictionary_PM: Tensor, targets_PK: Tensor, num_atoms: int, weights_P: Tensor | None = None
) -> Selection:
    """Orthogonal least squares: forward selection of the atom that lowers the squared residual most.

    The dictionary is kept orthogonal to all chosen atoms, so that the drop is exactly
    ``(g . r)^2 / |g|^2`` for atom g and residual r. Fewer atoms are returned if no further one is independent of those
    chosen, or if nothing is left of the targets.

    Args:
        dictionary_PM: Atoms; all is computed in float64.
        targets_PK: Targets, approximated together.
        num_atoms: How many to choose.
        weights_P: Weights of a quadrature, not negative.

    Returns:
        The atoms, and the residual norm after each.

    Raises:
        PipelineError: If the dictionary is empty or has too few atoms, or a number is not finite.

    Example:
        Of unit vectors the largest coordinates of the target, in their order.

        >>> chosen = orthogonal_least_squares(torch.eye(3), torch.tensor([[0.0], [2.0], [1.0]]), 2)
        >>> chosen.atoms, chosen.residual_norms_J.tolist()
        ((1, 2), [1.0, 0.0])

    Source: Chen, Cowan, Grant, "Orthogonal least squares learning algorithm" (1991).
    """
    atoms_PM, residual_PK = _weighted(dictionary_PM, targets_PK, num_atoms, weights_P)
    least_M = INDEPENDENT_ABOVE * atoms_PM.square().sum(dim=0)
    left, nothing = _norms(residual_PK)
    atoms: list[int] = []
    norms: list[float] = []
    while len(atoms) < num_atoms and left > nothing:
        squares_M = atoms_PM.square().sum(dim=0)
        drops_M = (atoms_PM.mT @ residual_PK).square().sum(dim=1) / squares_M
        drops_M = torch.where(squares_M > least_M, drops_M, -1.0)
        best = _first_of_largest(drops_M)
        if drops_M[best] < 0:
            break
        unit_P1 = atoms_PM[:, best : best + 1] / squares_M[best].sqrt()
        _orthogonalise(unit_P1, atoms_PM)
        _orthogonalise(unit_P1, residual_PK)
        least_M[best] = torch.inf
        atoms.append(best)
        left = float(torch.linalg.norm(residual_PK))
        norms.append(left)
    return Selection(tuple(atoms), residual_PK.new_tensor(norms))


def orthogonal_greedy(
    dictionary_PM: Tensor,
    targets_PK: Tensor,
    num_atoms: int,
    weights_P: Tensor | None = None,
    *,
    unit_atoms: bool = False,
) -> Selection:
    """Orthogonal greedy algorithm (orthogonal matching pursuit): selects the atom of largest ``|g . r|``.

    It reads the dictionary once a step and never changes it, but its choice is not the one that lowers the residual
    most. It ends early as ``orthogonal_least_squares`` does.

    Args:
        dictionary_PM: Atoms g; all is computed in float64.
        targets_PK: Targets, approximated together.
        num_atoms: How many to choose.
        weights_P: Weights of a quadrature, not negative.
        unit_atoms: Divide inner products by the norms of the atoms first.

    Returns:
        The atoms, and the residual norm after each.

    Raises:
        PipelineError: If the dictionary is empty or has too few atoms, or a number is not finite.

    Source: Siegel, Xu, "Optimal convergence rates for the orthogonal greedy algorithm" (arXiv 2106.15000).
    """
    atoms_PM, residual_PK = _weighted(dictionary_PM, targets_PK, num_atoms, weights_P)
    squares_M = atoms_PM.square().sum(dim=0)
    scale_M = squares_M.sqrt() if unit_atoms else torch.ones_like(squares_M)
    open_M = squares_M > 0
    left, nothing = _norms(residual_PK)
    chosen_PJ = residual_PK.new_zeros(len(residual_PK), num_atoms)
    atoms: list[int] = []
    norms: list[float] = []
    while len(atoms) < num_atoms and open_M.any() and left > nothing:
        products_M = torch.linalg.norm(atoms_PM.mT @ residual_PK, dim=1) / scale_M
        best = _first_of_largest(torch.where(open_M, products_M, -1.0))
        open_M[best] = False
        basis_PJ, new_P1 = chosen_PJ[:, : len(atoms)], atoms_PM[:, best : best + 1].clone()
        for _ in range(2):
            new_P1.addmm_(basis_PJ, basis_PJ.mT @ new_P1, alpha=-1)
        square = new_P1.square().sum()
        if square <= INDEPENDENT_ABOVE * squares_M[best]:
            continue
        unit_P1 = new_P1 / square.sqrt()
        chosen_PJ[:, len(atoms)] = unit_P1[:, 0]
        _orthogonalise(unit_P1, residual_PK)
        atoms.append(best)
        left = float(torch.linalg.norm(residual_PK))
        norms.append(left)
    return Selection(tuple(atoms), residual_PK.new_tensor(norms))


def best_subset(
    dictionary_PM: Tensor, targets_PK: Tensor, num_atoms: int, weights_P: Tensor | None = None
) -> Selection:
    """Best-subset selection: the independent atoms, of all choices of N, with the least residual; the first of equals.

    Its atoms are in the order in which orthogonal least squares takes them, which leaves out
    those that are not needed.

    Args:
        dictionary_PM: Atoms; all is computed in float64.
        targets_PK: Targets, approximated together.
        num_atoms: N, how many to choose.
        weights_P: Weights of a quadrature, not negative.

    Returns:
        The atoms, and the residual norm after each.

    Raises:
        PipelineError: As for the greedy algorithms, or if there are more than ``MAX_CHOICES`` subsets, or none of
            independent atoms.

    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2nd ed.), section 3.3.1.
    """
    atoms_PM, residual_PK = _weighted(dictionary_PM, targets_PK, num_atoms, weights_P)
    num_points, size = atoms_PM.shape
    num_choices = math.comb(size, num_atoms)
    if num_choices > MAX_CHOICES:
        what = f"{num_choices} choices of {num_atoms} of {size} atoms are too many to try each"
        raise PipelineError(what, hint="take fewer atoms, or choose greedily by orthogonal least squares")
    if num_points > size:  # what lies outside the span of all atoms is left by every choice
        basis_PM = torch.linalg.qr(atoms_PM).Q
        atoms_PM, residual_PK = basis_PM.mT @ atoms_PM, basis_PM.mT @ residual_PK
    choices_BJ = torch.tensor(list(itertools.combinations(range(size), num_atoms)), device=atoms_PM.device)
    left_B = torch.cat(
        [_squared_residuals(atoms_PM, residual_PK, some_BJ) for some_BJ in choices_BJ.split(CHOICES_AT_ONCE)]
    )
    best = _first_of_largest(-left_B)
    if left_B[best].isinf():
        hint = f"choose fewer than {num_atoms}, or leave out what repeats others"
        raise PipelineError(f"no {num_atoms} of the {size} atoms are independent", hint=hint)
    chosen_J = choices_BJ[best]
    ordered = orthogonal_least_squares(dictionary_PM[:, chosen_J], targets_PK, num_atoms, weights_P)
    return Selection(tuple(int(chosen_J[place]) for place in ordered.atoms), ordered.residual_norms_J)


def ridge_rate(dimension: int, power: int) -> float:
    """Rate of convergence r of the orthogonal greedy algorithm on ridges ``relu(w . x + b)^power``.

    ``r = 1/2 + (2 power + 1) / (2 D)``: after n atoms the L2 norm of the residual falls like ``n^-r``. A bound, for
    targets in the convex hull of the ridges: what is measured may be steeper.

    Args:
        dimension: D, inputs of the ridges.
        power: Power of the ReLU.

    Returns:
        r, above 1/2.

    Example:
        Ridges of one input with power 1, the pieces of which are lines.

        >>> ridge_rate(dimension=1, power=1)
        2.0

    Source: Siegel, Xu (arXiv 2106.15000), with the entropy of the hull (arXiv 2101.12365).
    """
    return 1 / 2 + (2 * power + 1) / (2 * dimension)


def _first_of_largest(scores_M: Tensor) -> int:
    """First of the atoms whose scores are the largest but for rounding, so that rounding never chooses.

    Mirrored atoms tie exactly for an even target; which one were taken would depend on the machine and its threads.

    Returns:
        Index of the atom.
    """
    largest = scores_M.max()
    return int((scores_M >= largest - TIE * largest.abs()).nonzero()[0])


def _squared_residuals(atoms_PM: Tensor, targets_PK: Tensor, choices_BJ: Tensor) -> Tensor:
    """Squared residual of the targets for each subset of atoms, ``[B]``; infinite for dependent atoms."""
    chosen_BPJ = atoms_PM[:, choices_BJ].movedim(1, 0)
    basis_BPJ, triangular_BJJ = torch.linalg.qr(chosen_BPJ)
    own_BJ = triangular_BJJ.diagonal(dim1=-2, dim2=-1).square()
    independent_B = (own_BJ > INDEPENDENT_ABOVE * chosen_BPJ.square().sum(dim=1)).all(dim=1)
    residual_BPK = targets_PK - basis_BPJ @ (basis_BPJ.mT @ targets_PK)
    return torch.where(independent_B, residual_BPK.square().sum(dim=(1, 2)), torch.inf)


def _norms(targets_PK: Tensor) -> tuple[float, float]:
    """Norm of the targets, and the norm below which nothing is left of them."""
    whole = float(torch.linalg.norm(targets_PK))
    return whole, NOTHING_BELOW * whole


def _orthogonalise(unit_P1: Tensor, matrix_PM: Tensor) -> None:
    """Make the columns of a matrix orthogonal to a unit vector, in place.

    Twice, since once leaves a rounding of the whole column, which may be all that a nearly dependent one has left.
    """
    for _ in range(2):
        matrix_PM.addmm_(unit_P1, unit_P1.mT @ matrix_PM, alpha=-1)


def _weighted(
    dictionary_PM: Tensor, targets_PK: Tensor, num_atoms: int, weights_P: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Copies of atoms and targets in float64, each row times the root of its weight.

    Returns:
        Atoms ``[P, M]`` and targets ``[P, K]``.

    Raises:
        PipelineError: If the dictionary is empty or has too few atoms, or a number is not finite.
    """
    num_points, size = dictionary_PM.shape
    if not num_points or not size:
        raise PipelineError(f"a dictionary of {size} atoms at {num_points} points is empty", hint="give it some")
    if num_atoms < 1:
        raise PipelineError(f"{num_atoms} atoms cannot be chosen", hint="choose at least 1")
    if size < num_atoms:
        what = f"a dictionary of {size} atoms has no {num_atoms} to choose"
        raise PipelineError(what, hint=f"make it larger, or choose at most {size}")
    root_P1 = torch.ones(num_points, 1, dtype=torch.float64) if weights_P is None else weights_P[:, None].sqrt()
    root_P1 = root_P1.to(dictionary_PM.device, torch.float64)
    prepared = root_P1 * dictionary_PM, root_P1 * targets_PK
    for name, matrix in zip(("atoms", "targets"), prepared, strict=True):
        bad = int((~matrix.isfinite().all(dim=1)).sum())
        if bad:
            what = f"{name} {'and weights' if weights_P is not None else ''}".strip()
            what = f"the {what} are not finite at {bad} of {num_points} points"
            raise PipelineError(what, hint="leave these points out, or look where the numbers overflow")
    return prepared
