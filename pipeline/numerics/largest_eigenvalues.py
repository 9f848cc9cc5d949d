"""Largest eigenvalues of many symmetric operators at once, by Lanczos with full reorthogonalisation, with error bounds.

The operators are one product: a vector for each of T trials in, a vector for each out. Of an operator H
a small tridiagonal matrix ``T_m = Q^T H Q`` is kept, whose eigenvalues (Ritz values) approach
the extreme ones of H from inside.

- Residual bound: some eigenvalue lies within ``|H x - theta x| = beta_m |last entry of u|`` of the Ritz value theta,
  where ``T_m u = theta u`` and ``x = Q u`` is the Ritz vector. Parlett, The Symmetric Eigenvalue Problem (1998),
  sections 4.5 and 13.2.
- A start vector with a component in every eigenspace, as a random one has, cannot miss the largest eigenvalue.
- Without reorthogonalisation converged Ritz values return as copies; twice is enough (Parlett, section 6.9).

Shape letters: M Lanczos vectors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.numerics.randomness import stream

Product = Callable[[Tensor], Tensor]
"""Symmetric operators: ``[T, N]`` to ``[T, N]``, each trial by itself."""

TOLERANCE = 1e-8
"""Residual, relative to the eigenvalue, at which it counts as converged."""
MOST_STEPS = 100
"""Lanczos steps at most."""
CHECKED_EVERY = 2
"""Steps between two computations of the Ritz values."""
EPS = torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class RitzPairs:
    """Largest Ritz value and vector of each operator, with their residual; NaN for an operator that is not finite."""

    largest_T: Tensor
    """Largest Ritz value theta: a lower bound of the largest algebraic eigenvalue."""
    vectors_TN: Tensor
    """Ritz vectors x, of length 1: the start of a later call; of a Hessian the direction of largest curvature."""
    residuals_T: Tensor
    """Residual norms ``|H x - theta x|``: the distance from theta within which an eigenvalue lies."""
    certified_T: Tensor
    """Whether the residual is within the tolerance, bool."""


def concatenated(parts: Sequence[RitzPairs]) -> RitzPairs:
    """Ritz pairs of several stacks as those of one, in their order."""
    names = [field.name for field in dataclasses.fields(RitzPairs)]
    return RitzPairs(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def start_vectors(num_trials: int, num_entries: int) -> Tensor:
    """Standard normal start vector, the same for all trials and in every call.

    Args:
        num_trials: T.
        num_entries: N, which names the stream it is drawn from.

    Returns:
        Shape ``[T, N]``, float64, all rows one memory.
    """
    vector_N = torch.from_numpy(stream("lanczos", num_entries).standard_normal(num_entries))
    return vector_N.expand(num_trials, -1)


def largest_eigenvalues(
    product: Product, start_TN: Tensor, tolerance: float = TOLERANCE, most_steps: int = MOST_STEPS
) -> RitzPairs:
    """Largest algebraic eigenvalue of each operator, by the Lanczos method.

    The numbers of a trial are those of the step at which its own residual is within the tolerance, however long the
    others take. The small eigenvalue problems are solved on the CPU, wherever the product is computed.

    Args:
        product: Symmetric operators H.
        start_TN: Start vectors, float64, not zero: ``start_vectors``, or the Ritz vectors of an earlier call with a
            little noise, without which an eigenvalue that has overtaken would be missed.
        tolerance: Largest residual, relative to the eigenvalue.
        most_steps: Products at most; never more than N are needed.

    Returns:
        Ritz pairs, float64.

    Raises:
        ValueError: If the start is not float64.

    Example:
        A diagonal operator.

        >>> pairs = largest_eigenvalues(lambda x_TN: x_TN * torch.tensor([1.0, 2.0, 3.0]), torch.ones(1, 3).double())
        >>> round(float(pairs.largest_T), 9), bool(pairs.certified_T)
        (3.0, True)

    Source: Golub, Van Loan, Matrix Computations (4th ed.), sections 10.1 and 10.3.
    """
    if start_TN.dtype != torch.float64:
        raise ValueError(f"eigenvalues need float64, not {start_TN.dtype}")
    num_trials, num_entries = start_TN.shape
    most_steps = min(most_steps, num_entries)
    krylov = KrylovBasis(product, start_TN, most_steps)
    found = _nothing(num_trials, num_entries, start_TN.device)
    for step in range(1, most_steps + 1):
        krylov.advance()
        last = step == most_steps
        if last or step % CHECKED_EVERY == 0:
            found = _update(found, krylov, tolerance)
            if found.certified_T.logical_or(found.largest_T.isnan()).all():
                break
    return found


class KrylovBasis:
    """Orthonormal bases of the Krylov spaces ``span(x, H x, ..., H^(m-1) x)``, and the operators in them.

    Args:
        product: Symmetric operators H.
        start_TN: Start vectors x, not zero.
        most_steps: Steps for which memory is set aside.
    """

    def __init__(self, product: Product, start_TN: Tensor, most_steps: int) -> None:
        num_trials, num_entries = start_TN.shape
        self.product = product
        self.basis_TMN = start_TN.new_empty(num_trials, most_steps + 1, num_entries)
        self.basis_TMN[:, 0] = start_TN / start_TN.norm(dim=1, keepdim=True)
        self.diagonal_TM = start_TN.new_empty(num_trials, 0)
        self.off_diagonal_TM = start_TN.new_empty(num_trials, 0)
        self.steps = 0

    def advance(self) -> None:
        """One Lanczos step: one product with every operator, and the next vector of every basis."""
        step, basis_TMN = self.steps, self.basis_TMN[:, : self.steps + 1]
        vectors_TN = self.product(basis_TMN[:, step])
        diagonal_T = (basis_TMN[:, step] * vectors_TN).sum(dim=1)
        vectors_TN = _orthogonal(_orthogonal(vectors_TN, basis_TMN), basis_TMN)
        off_diagonal_T = vectors_TN.norm(dim=1)
        self.diagonal_TM = torch.cat([self.diagonal_TM, diagonal_T[:, None]], dim=1)
        exhausted_T = off_diagonal_T <= self.noise()
        if exhausted_T.any():  # the space is invariant; another vector outside finds what is left
            other_TN = start_vectors(*vectors_TN.shape).to(vectors_TN).roll(step + 1, dims=1)
            other_TN = _orthogonal(_orthogonal(other_TN, basis_TMN), basis_TMN)
            vectors_TN = torch.where(exhausted_T[:, None], other_TN, vectors_TN)
            off_diagonal_T = torch.where(exhausted_T, 0.0, off_diagonal_T)
        self.off_diagonal_TM = torch.cat([self.off_diagonal_TM, off_diagonal_T[:, None]], dim=1)
        length_T1 = vectors_TN.norm(dim=1, keepdim=True)
        self.basis_TMN[:, step + 1] = vectors_TN / torch.where(length_T1 == 0, 1.0, length_T1)
        self.steps += 1

    def noise(self) -> Tensor:
        """Rounding error of a vector that lies in the space, shape ``[T]``."""
        size_T = self.diagonal_TM.abs().amax(dim=1)
        if self.steps:
            size_T = torch.maximum(size_T, self.off_diagonal_TM.amax(dim=1))
        return size_T * (EPS * self.basis_TMN.shape[2] ** 0.5)


def _orthogonal(vectors_TN: Tensor, basis_TMN: Tensor) -> Tensor:
    """Component of each vector orthogonal to its basis: one pass of classical Gram-Schmidt."""
    parts_TM1 = basis_TMN @ vectors_TN[..., None]
    return torch.baddbmm(vectors_TN[:, None], parts_TM1.mT, basis_TMN, alpha=-1)[:, 0]


def _nothing(num_trials: int, num_entries: int, device: torch.device) -> RitzPairs:
    """Ritz pairs of NaN, none certified."""
    nan_T = torch.full((num_trials,), torch.nan, dtype=torch.float64, device=device)
    vectors_TN = nan_T[:, None].repeat(1, num_entries)
    return RitzPairs(nan_T, vectors_TN, nan_T, torch.zeros_like(nan_T, dtype=torch.bool))


def _update(found: RitzPairs, krylov: KrylovBasis, tolerance: float) -> RitzPairs:
    """Ritz pairs of the present bases, for the trials that had not converged before; the others keep theirs."""
    matrices_TMM = torch.diag_embed(krylov.diagonal_TM)
    matrices_TMM = matrices_TMM + torch.diag_embed(krylov.off_diagonal_TM[:, :-1], offset=1)
    matrices_TMM = matrices_TMM + torch.diag_embed(krylov.off_diagonal_TM[:, :-1], offset=-1)
    finite_T = matrices_TMM.isfinite().all(dim=(1, 2))
    matrices_TMM = torch.where(finite_T[:, None, None], matrices_TMM, 0.0)  # eigh raises where an entry is NaN
    values_TM, eigenvectors_TMM = (part.to(krylov.basis_TMN.device) for part in torch.linalg.eigh(matrices_TMM.cpu()))
    values_TM = torch.where(finite_T[:, None], values_TM, torch.nan)
    top_TM = eigenvectors_TMM[:, :, -1]
    residuals_T = torch.where(finite_T, krylov.off_diagonal_TM[:, -1] * top_TM[:, -1].abs(), torch.nan)
    vectors_TN = (top_TM[:, None] @ krylov.basis_TMN[:, : krylov.steps])[:, 0]

    def newest(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(found.certified_T.view(-1, *[1] * (new.ndim - 1)), old, new)

    return RitzPairs(
        newest(values_TM[:, -1], found.largest_T),
        newest(vectors_TN, found.vectors_TN),
        newest(residuals_T, found.residuals_T),
        newest(residuals_T <= tolerance * values_TM[:, -1].abs(), found.certified_T),
    )
