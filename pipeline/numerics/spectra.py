"""Stacked singular values, condition numbers and how far to trust them.

Always in float64 and always from the singular values of the matrix itself: the
eigenvalues of ``X^T X`` have lost half the digits before anything is computed from them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import torch
from torch import Tensor

TRUSTED_BELOW = 1e12
"""Condition number below which at least three digits are right: ``relative_error`` is below 1e-3."""
LIMIT_OF_FLOAT64 = 1e15
"""Condition number above which ``relative_error`` is about 1: only a lower bound is known."""
LARGE = 2.0**250
"""Entries between this and its inverse, 1e75 to 1e-75, have squares that neither overflow nor vanish when summed."""
CACHE_LINE_BYTES = 64
EPS = torch.finfo(torch.float64).eps
"""Machine epsilon of float64, 2.2e-16."""


class Trust(Enum):
    """How far a condition number computed in float64 can be believed."""

    TRUSTED = "trusted"  # below 1e12
    ONE_DIGIT = "one digit"  # to 1e15: about one digit is guaranteed
    AT_LEAST = "at least"  # above 1e15 float64 cannot tell; only the bound is known


def trust(condition_number: float) -> Trust:
    """Trust in a finite condition number of a feature matrix, by its size.

    Args:
        condition_number: From 1.

    Returns:
        One of three levels.
    """
    if condition_number < TRUSTED_BELOW:
        return Trust.TRUSTED
    return Trust.ONE_DIGIT if condition_number < LIMIT_OF_FLOAT64 else Trust.AT_LEAST


def relative_error(condition_number: float) -> float:
    """Bound on the relative error of a computed condition number kappa: ``4 * 2.2e-16 * kappa``.

    A decomposition moves each singular value by some roundings of the largest one (tests hold it against exact Gram
    matrices in sixty digits). From 1 on nothing is known but that the number is large.

    Args:
        condition_number: kappa of a feature matrix, from 1.

    Returns:
        A fraction of kappa.

    Source: Weyl's inequality; Golub, Van Loan, Matrix Computations (4th ed.), section 8.6.
    """
    return 4 * EPS * condition_number


def triangular_factors(matrices_TPF: Tensor) -> Tensor:
    """Triangular factor R of the QR decomposition ``A = Q R`` of each matrix, with the same singular values.

    Args:
        matrices_TPF: Matrices A.

    Returns:
        Shape ``[T, min(P, F), F]``.
    """
    return _each_alone(lambda some: torch.linalg.qr(some, mode="r").R, matrices_TPF)


def is_tall(matrices_TPF: Tensor) -> bool:
    """Whether it pays to reduce matrices to their triangular factors, which have the same singular values."""
    num_points, num_features = matrices_TPF.shape[1:]
    return num_points > 2 * num_features


def of_well_scaled(matrices_TPF: Tensor) -> Tensor:
    """Singular values of matrices that are finite and whose squares neither overflow nor vanish.

    A tall matrix is reduced to its triangular factor first, which takes most of the work off.

    Args:
        matrices_TPF: Matrices, float64.

    Returns:
        Shape ``[T, min(P, F)]``, largest first.
    """
    if is_tall(matrices_TPF):
        matrices_TPF = triangular_factors(matrices_TPF)
    return _each_alone(torch.linalg.svdvals, matrices_TPF)


def singular_values(features_TPF: Tensor, of_well_scaled: Callable[[Tensor], Tensor] = of_well_scaled) -> Tensor:
    """Singular values of each matrix, largest first, at any scale.

    A matrix with entries above 1e75 is scaled, so that those of a diverged trial (up to
    1e308, still finite) do not overflow on the way, where the decomposition would fail.

    Args:
        features_TPF: Matrices, float64.
        of_well_scaled: Computes those of matrices that are finite and have entries from 1e-75 to 1e75.

    Returns:
        Shape ``[T, min(P, F)]``, float64; NaN where an entry is not finite.

    Raises:
        ValueError: If not float64; float32 hides everything below 1e-7 of the largest.
    """
    if features_TPF.dtype != torch.float64:
        raise ValueError(f"singular values need float64, not {features_TPF.dtype}")
    sizes_T1F = column_sizes(features_TPF)
    matrix_TPF, scale_T11, finite_T11 = scaled(features_TPF, sizes_T1F)
    nonzero_TF = (sizes_T1F / scale_T11)[:, 0] != 0
    values_TS = _with_certain_zeros(of_well_scaled(matrix_TPF), nonzero_TF, matrix_TPF.shape[1]) * scale_T11[..., 0]
    return torch.where(finite_T11[..., 0], values_TS, torch.nan)


def column_sizes(matrices_TPF: Tensor) -> Tensor:
    """The largest magnitude in each column, NaN where one is NaN; it makes no tensor of the size of the matrices.

    Args:
        matrices_TPF: Any matrices.

    Returns:
        Shape ``[T, 1, F]``.
    """
    return torch.maximum(matrices_TPF.amax(dim=1, keepdim=True), -matrices_TPF.amin(dim=1, keepdim=True))


def _with_certain_zeros(values_TS: Tensor, nonzero_TF: Tensor, num_rows: int) -> Tensor:
    """Singular values, exact zeros beyond the number of nonzero columns (dead units), where rounding leaves 1e-17."""
    num_columns = nonzero_TF.shape[1]
    singular_T = (values_TS[:, -1:] <= values_TS[:, :1] * (max(num_rows, num_columns) * EPS)).any(dim=1)
    if not singular_T.any():
        return values_TS
    rank_T = torch.where(singular_T, nonzero_TF.sum(dim=1), values_TS.shape[1])
    return torch.where(torch.arange(values_TS.shape[1], device=values_TS.device) < rank_T[:, None], values_TS, 0.0)


def _each_alone(work: Callable[[Tensor], Tensor], matrices_TPF: Tensor) -> Tensor:
    """LAPACK's result for each matrix, to the last bit whatever is beside it in the stack.

    On a processor it adds in an order that depends on where in a cache line a matrix begins. In a stack they
    all begin alike if their size is a multiple of a line; else each has a call to itself, which costs 7 us.

    Returns:
        What ``work`` gives, stacked.
    """
    bytes_of_matrix = matrices_TPF.shape[1] * matrices_TPF.shape[2] * matrices_TPF.element_size()
    if matrices_TPF.device.type != "cpu" or len(matrices_TPF) < 2 or bytes_of_matrix % CACHE_LINE_BYTES == 0:
        return work(matrices_TPF)
    return torch.stack([work(matrix_PF) for matrix_PF in matrices_TPF])


def scaled(matrix_TPF: Tensor, sizes_T1F: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Matrices divided by a power of two where entries are far from 1, with the divisors, and which are finite.

    Args:
        matrix_TPF: Any matrices, float64.
        sizes_T1F: The largest magnitude in each of their columns.

    Returns:
        The scaled matrices, zeros for one that is not finite; the divisors and a mask, both ``[T, 1, 1]``.
    """
    largest_T11 = sizes_T1F.amax(dim=2, keepdim=True)
    if ((largest_T11 <= LARGE) & (largest_T11 >= 1 / LARGE)).all():  # most of the time; NaN is neither
        return matrix_TPF, torch.ones_like(largest_T11), torch.ones_like(largest_T11, dtype=torch.bool)
    finite_T11 = largest_T11.isfinite()
    power_of_two_T11 = largest_T11 / (2 * torch.frexp(largest_T11).mantissa)  # scaling by it changes no digit
    far_T11 = finite_T11 & (largest_T11 > 0) & ((largest_T11 > LARGE) | (largest_T11 < 1 / LARGE))
    scale_T11 = torch.where(far_T11, power_of_two_T11, 1.0)
    if far_T11.any():
        matrix_TPF = matrix_TPF / scale_T11
    if not finite_T11.all():
        matrix_TPF = torch.where(finite_T11, matrix_TPF, 0.0)
    return matrix_TPF, scale_T11, finite_T11


def tolerance(singular_values_TS: Tensor, shape: tuple[int, int]) -> Tensor:
    """Rounding level of singular values: ``max(P, F) * 2.2e-16`` of the largest, shape ``[T]``.

    Args:
        singular_values_TS: Singular values, largest first.
        shape: P and F of the matrices.

    Returns:
        Shape ``[T]``; a smaller singular value is rounding.

    Source: Press et al., Numerical Recipes (3rd ed.), section 2.6; as numpy.linalg.matrix_rank.
    """
    return singular_values_TS[:, 0] * (max(shape) * EPS)


def effective_rank(singular_values_TS: Tensor, shape: tuple[int, int]) -> Tensor:
    """Numerical rank: number of singular values above the rounding level.

    Args:
        singular_values_TS: Singular values, largest first.
        shape: P and F of the matrices.

    Returns:
        Shape ``[T]``, as float64; NaN for a NaN spectrum.

    Example:
        A second singular value that is rounding does not count.

        >>> effective_rank(torch.tensor([[1.0, 1e-17]], dtype=torch.float64), (2, 2)).tolist()
        [1.0]
    """
    rank_T = (singular_values_TS > tolerance(singular_values_TS, shape)[:, None]).sum(dim=1).double()
    return torch.where(singular_values_TS[:, 0].isnan(), torch.nan, rank_T)


def condition_number(singular_values_TS: Tensor, shape: tuple[int, int]) -> Tensor:
    """Condition number in the 2-norm, ``sigma_1 / sigma_F``: largest over smallest singular value.

    Infinite where there are more columns than points: the decomposition of such a
    matrix does not show its null directions.

    Args:
        singular_values_TS: Singular values, largest first.
        shape: P and F of the matrices.

    Returns:
        Shape ``[T]``; values from 1e15 on mean *at least 1e15*.

    Example:
        Of three points and two features.

        >>> condition_number(torch.tensor([[4.0, 2.0]]), (3, 2)).tolist()
        [2.0]

    Source: Trefethen, Bau, Numerical Linear Algebra (1997), lecture 12.
    """
    num_points, num_features = shape
    if num_features > num_points:
        return torch.where(singular_values_TS[:, 0].isnan(), torch.nan, torch.inf)
    return singular_values_TS[:, 0] / singular_values_TS[:, -1]


def condition_number_of_range(singular_values_TS: Tensor, shape: tuple[int, int]) -> Tensor:
    """Effective condition number, ``sigma_1 / sigma_r`` with r the numerical rank: what descent from zero sees.

    Args:
        singular_values_TS: Singular values, largest first.
        shape: P and F of the matrices.

    Returns:
        Shape ``[T]``; NaN for a matrix of zeros, which has no range, as for one that is not finite.
    """
    above_TS = singular_values_TS > tolerance(singular_values_TS, shape)[:, None]
    smallest_T = torch.where(above_TS, singular_values_TS, torch.inf).amin(dim=1)
    ratio_T = singular_values_TS[:, 0] / smallest_T
    return torch.where(above_TS.any(dim=1), ratio_T, torch.nan)
