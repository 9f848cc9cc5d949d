"""Mean-square stability of stochastic gradient descent on a quadratic: the limit of the learning rate.

The loss is half the mean square of a linear model with feature matrix X. A step on a batch multiplies the error of
the weights by ``I - rate H_B``, where ``H_B`` is the mean of ``x x^T`` over the batch, so a step takes the matrix M of
second moments of the error to ``E[(I - rate H_B) M (I - rate H_B)]``, plus what the noise of the gradients adds. For
batches that are drawn anew at every step this is ``M - rate (H M + M H) + rate^2 E[H_B M H_B]``, a symmetric map that
keeps matrices positive, so its spectral radius is its largest eigenvalue, which is below 1 exactly for rates below

    ``1 / (largest eigenvalue of S^(-1/2) Q S^(-1/2))``,  S: M -> H M + M H,  Q: M -> E[H_B M H_B].

With N points and b of them in a batch, each at most once, ``E[H_B M H_B] = p F(M) + (1 - p) H M H``, where
``F(M) = mean of (x^T M x) x x^T`` holds the fourth moments and ``p = (N - b) / (b (N - 1))``; if points may come
more than once in a batch, ``p = 1 / b``.

Shape letters: J entries of a matrix of second moments.

Source: Mulayoff, Michaeli, "Exact mean square linear stability analysis for SGD" (COLT 2024).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.numerics.largest_eigenvalues import MOST_STEPS, largest_eigenvalues
from pipeline.numerics.spectra import tolerance

MOST_ELEMENTS = 1 << 25
"""Numbers in the Lanczos vectors, 256 MiB: 100 of them to 579 independent features, 8 to 2048."""
LEAST_STEPS = 8
"""Lanczos steps below which no eigenvalue converges."""


def mean_square_limit(features_PF: Tensor, batch_size: int, *, replacement: bool = False) -> float:
    """Mean-square stability limit of the learning rate: below it the mean square of the weights stays finite.

    ``1 / lambda_max(S^(-1/2) Q S^(-1/2))``, by Lanczos on matrices of second moments.

    Args:
        features_PF: Feature matrix X, float64.
        batch_size: Points of a batch, b.
        replacement: Whether a point may come several times in a batch.

    Returns:
        Infinite for features of zeros; NaN where features are not finite or the eigenvalue has not converged,
        as that of more than 2,000 features.

    Example:
        A batch of all points, of curvature 1: gradient descent, stable below 2.

        >>> round(mean_square_limit(torch.ones(1, 1).double(), batch_size=1), 9)
        2.0
    """
    num_points = len(features_PF)
    if not features_PF.isfinite().all():
        return torch.nan
    left_PS, values_S, _ = torch.linalg.svd(features_PF, full_matrices=False)
    known_S = values_S > tolerance(values_S[None], (num_points, features_PF.shape[1]))
    if not known_S.any():
        return torch.inf
    scale = values_S[0]  # of one point a trillion times as far off no square overflows
    points_PS = (
        left_PS[:, known_S] * (values_S[known_S] / scale) * num_points**0.5
    )  # in the range of X, and of its size
    eigenvalue_S = points_PS.square().mean(dim=0)  # of H, which is diagonal here
    root_SS = (eigenvalue_S[:, None] + eigenvalue_S).rsqrt()
    apart = 1 / batch_size if replacement else (num_points - batch_size) / (batch_size * max(num_points - 1, 1))

    def product(moments_TJ: Tensor) -> Tensor:
        moments_SS = root_SS * moments_TJ.view(root_SS.shape)
        squares_P = ((points_PS @ moments_SS) * points_PS).sum(dim=1)
        fourth_SS = points_PS.mT @ (squares_P[:, None] * points_PS) / num_points
        expected_SS = apart * fourth_SS + (1 - apart) * eigenvalue_S[:, None] * moments_SS * eigenvalue_S
        return (root_SS * expected_SS).view(moments_TJ.shape)

    most_steps = min(MOST_STEPS, MOST_ELEMENTS // root_SS.numel())
    if most_steps < min(LEAST_STEPS, root_SS.numel()):
        return torch.nan
    start_SS = torch.diag(eigenvalue_S)  # the top of a positive map is positive, and so is its part in this
    top = largest_eigenvalues(product, start_SS.reshape(1, -1), most_steps=most_steps)
    limit = num_points / (top.largest_T * scale.square())
    return float(torch.where(top.certified_T, limit, torch.nan))
