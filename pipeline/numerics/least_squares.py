"""Linear least squares of stacked matrices: minimum-norm for any rank, and damped (Tikhonov, Levenberg-Marquardt).

The minimum-norm solution comes from orthogonal decompositions of the matrix itself. The damped
one comes from the normal equations, which are cheap and lose half the digits, or from a
QR decomposition, which loses none.

The numbers of a matrix are the same, bit for bit, whatever the stack that it is in: LAPACK
adds in another order where a matrix does not begin on a cache line, so all are
padded with zeros until each does. An ill-conditioned problem would make a lot of one bit.

Shape letters: I rows, J columns, M residuals.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.numerics.spectra import column_sizes, scaled, tolerance

CACHE_LINE = 8
"""Numbers of float64 in a cache line of 64 bytes."""


class LeastSquaresSolution(NamedTuple):
    """Minimum-norm least-squares solutions, and the range of each matrix."""

    solution_TFK: Tensor
    """Solution of least norm; NaN where the matrix is not finite."""
    range_TPS: Tensor
    """Orthonormal columns that span the range of each matrix, then columns of zeros."""


def least_squares(features_TPF: Tensor, targets_PK: Tensor) -> LeastSquaresSolution:
    """Minimum-norm least-squares solution ``X^+ y`` of every matrix X for every column of the targets.

    Singular values below ``max(P, F) * 2.2e-16`` of the largest are taken as zero, as
    numpy.linalg.lstsq does. The singular value decomposition is that of the triangular factor of a QR
    decomposition, which has as many rows as features.

    Args:
        features_TPF: Matrices X, float64.
        targets_PK: Targets y, the same for all trials, float64.

    Returns:
        Solutions and ranges, float64.

    Example:
        The constant nearest to 1 and 3 is their mean.

        >>> ones_TPF, targets_PK = torch.ones(1, 2, 1).double(), torch.tensor([[1.0], [3.0]]).double()
        >>> round(float(least_squares(ones_TPF, targets_PK).solution_TFK), 12)
        2.0

    Source: Golub, Van Loan, Matrix Computations (4th ed.), section 5.5.
    """
    num_points, num_features = features_TPF.shape[1:]
    given_TPF = padded(features_TPF)
    matrix_TPF, scale_T11, finite_T11 = scaled(given_TPF, column_sizes(given_TPF))
    orthonormal_TPS, triangle_TSF = torch.linalg.qr(matrix_TPF)
    left_TSS, values_TS, right_TSF = torch.linalg.svd(triangle_TSF, full_matrices=False)
    above_TS = values_TS > tolerance(values_TS, (num_points, num_features))[:, None]
    range_TPS = (orthonormal_TPS @ left_TSS) * above_TS[:, None]
    inverse_TS = torch.where(above_TS, 1 / values_TS, 0.0)
    targets_TPK = padded(targets_PK[None]).expand(len(matrix_TPF), -1, -1)
    solution_TFK = right_TSF.mT @ (inverse_TS[..., None] * (range_TPS.mT @ targets_TPK)) / scale_T11
    solution_TFK = torch.where(finite_T11, solution_TFK, torch.nan)
    return LeastSquaresSolution(solution_TFK[:, :num_features, : targets_PK.shape[1]], range_TPS[:, :num_points])


def padded(matrix_TPF: Tensor) -> Tensor:
    """Matrices with rows and columns of zeros added, so that every one of a stack begins on a cache line.

    Args:
        matrix_TPF: Matrices, float64.

    Returns:
        Both sizes rounded up to a multiple of 8.
    """
    num_rows, num_columns = matrix_TPF.shape[1:]
    return torch.nn.functional.pad(matrix_TPF, (0, -num_columns % CACHE_LINE, 0, -num_rows % CACHE_LINE))


def damped_by_normal_equations(matrix_TNM: Tensor, gradient_TN: Tensor, damping_T: Tensor) -> Tensor:
    """Solution of the damped normal equations ``(A A^T + mu I) d = gradient``, by Cholesky decomposition.

    Args:
        matrix_TNM: A, the transpose of a Jacobian.
        gradient_TN: Right-hand sides.
        damping_T: mu, above 0.

    Returns:
        Shape ``[T, N]``; NaN where the matrix is not positive definite to rounding.

    Source: Nocedal, Wright, Numerical Optimization (2nd ed.), section 10.3.
    """
    num_weights = gradient_TN.shape[1]
    matrix_TNM = padded(matrix_TNM)
    normal_TNN = matrix_TNM @ matrix_TNM.mT
    diagonal_TN = normal_TNN.diagonal(dim1=1, dim2=2)
    diagonal_TN[:, :num_weights] += damping_T[:, None]
    diagonal_TN[:, num_weights:] = 1
    finite_T = torch.linalg.vector_norm(normal_TNN, torch.inf, dim=(1, 2)).isfinite()
    root_TNN, failed_T = torch.linalg.cholesky_ex(torch.where(finite_T[:, None, None], normal_TNN, 0.0))
    step_TN = torch.cholesky_solve(padded(gradient_TN[..., None]), root_TNN)[:, :num_weights, 0]
    return torch.where((failed_T == 0)[:, None], step_TN, torch.nan)


def damped_by_qr(matrix_TNM: Tensor, residual_TM: Tensor, damping_T: Tensor) -> Tensor:
    """Solution of the damped least-squares problem ``min |A^T d - residual|^2 + mu |d|^2``, by QR, with all digits.

    The matrix ``[A^T; sqrt(mu) I]`` is decomposed with the residuals as one more column, so that the
    orthogonal factor is never formed.

    Args:
        matrix_TNM: A, the transpose of a Jacobian.
        residual_TM: Residuals.
        damping_T: mu, above 0.

    Returns:
        Shape ``[T, N]``; NaN where the problem is singular.

    Source: Nocedal, Wright, Numerical Optimization (2nd ed.), section 10.3.
    """
    num_trials, num_weights, num_residuals = matrix_TNM.shape
    stacked_TIJ = padded(matrix_TNM.new_zeros(num_trials, num_residuals + num_weights, num_weights + 1))
    stacked_TIJ[:, :num_residuals, :num_weights] = matrix_TNM.mT
    stacked_TIJ[:, :num_residuals, num_weights] = residual_TM
    stacked_TIJ[:, num_residuals : num_residuals + num_weights, :num_weights].diagonal(dim1=1, dim2=2).copy_(
        damping_T.sqrt()[:, None]
    )
    finite_T = torch.linalg.vector_norm(stacked_TIJ, torch.inf, dim=(1, 2)).isfinite()
    triangle_TJJ = torch.linalg.qr(torch.where(finite_T[:, None, None], stacked_TIJ, 0.0), mode="r").R
    square_TNN = triangle_TJJ[:, :num_weights, :num_weights]
    step_TN1 = torch.linalg.solve_triangular(square_TNN, triangle_TJJ[:, :num_weights, num_weights, None], upper=True)
    step_TN = step_TN1[..., 0]
    return torch.where(step_TN.isfinite().all(dim=1, keepdim=True), step_TN, torch.nan)
