"""Decomposition of a mean squared error into approximation, sampling, optimisation and rounding: parts that add up.

From the target ``f`` to the outputs ``g`` of a trial there are four steps: the orthogonal
projection ``Pf`` of f on the span of the features under the distribution of the inputs; the least-squares
fit ``s`` on the training points; the combination of the features that training reached, ``h``; and the same as the
dtype evaluates it, ``g``. Each part is what one step adds to the mean square,

    |f - Pf|^2,   |f - s|^2 - |f - Pf|^2,   |f - h|^2 - |f - s|^2,   |f - g|^2 - |f - h|^2,

so that they add up whatever the steps are. The first two are never negative: ``Pf`` is a
projection, and the second is ``|Pf - s|^2``. The others may be: training that stops early
can end nearer to the target than least squares does, and so can a rounding. Each is
computed as an inner product, ``|a|^2 - |b|^2 = (a - b) . (a + b)``: a difference of two squares
would have no digits left where a step is small.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.numerics.least_squares import least_squares

SPLITTER = 2.0**27 + 1
"""Veltkamp's constant ``2^27 + 1``, which splits a float64 into two halves of 26 bits, whose products are exact."""


class Projection(NamedTuple):
    """Orthogonal projections of the targets on the span of the features of each trial."""

    outputs_TPK: Tensor
    """Values of the projections at the points."""
    mean_square_T: Tensor
    """Squared distances ``|f - Pf|^2``, in squared units of the targets; NaN where a feature is not finite."""


class ErrorParts(NamedTuple):
    """Parts of the mean squared error, in squared units of the targets; their sum is the mean squared error."""

    approximation_T: Tensor
    """``|f - Pf|^2``: what no combination of the features can do."""
    sampling_T: Tensor
    """``|Pf - s|^2``: for finitely many, perhaps noisy, training points."""
    optimisation_T: Tensor
    """``|f - h|^2 - |f - s|^2``: for weights other than those of least squares."""
    rounding_T: Tensor
    """``|f - g|^2 - |f - h|^2``: for the digits of the dtype."""


def project(features_TPF: Tensor, targets_PK: Tensor, weights_P: Tensor) -> Projection:
    """Orthogonal projection of the targets on the span of the features, in the inner product of a quadrature rule.

    ``Pf = argmin_v sum_p w_p |f_p - v_p|^2`` over v in the span, by least squares on rows multiplied by ``sqrt(w_p)``.

    Args:
        features_TPF: Feature matrices, float64.
        targets_PK: Targets f, the same for all trials, float64.
        weights_P: Weights of the points, not negative, of sum 1.

    Returns:
        The projections and their squared distances from the targets.
    """
    root_P1 = weights_P.sqrt()[:, None]
    scaled_PK = root_P1 * targets_PK
    known_T = features_TPF.isfinite().all(dim=2).all(dim=1)
    range_TPS = least_squares(root_P1 * features_TPF, scaled_PK).range_TPS
    missed_TPK = scaled_PK - range_TPS @ (range_TPS.mT @ scaled_PK)
    missed_TPK = torch.where(known_T[:, None, None], missed_TPK, torch.nan)
    values_TPK = targets_PK - missed_TPK / root_P1.where(root_P1 > 0, 1.0)  # a point of no weight has no say
    return Projection(values_TPK, missed_TPK.square().sum(dim=(1, 2)))


def error_parts(
    best: Projection,
    fitted_TPK: Tensor,
    learned_TPK: Tensor,
    evaluated_TPK: Tensor,
    targets_PK: Tensor,
    weights_P: Tensor,
) -> ErrorParts:
    """Parts of the mean squared error of the outputs of each trial.

    Args:
        best: Projection ``Pf`` of the targets on the features.
        fitted_TPK: Least-squares fit ``s`` on the training points, with the same features.
        learned_TPK: Combination ``h`` that training reached, evaluated with more digits than training has.
        evaluated_TPK: The same as training evaluates it, ``g``.
        targets_PK: Targets f, float64.
        weights_P: Weights of the points, not negative, of sum 1.

    Returns:
        Four parts, each ``[T]``, float64.
    """
    steps = [best.outputs_TPK, fitted_TPK, learned_TPK, evaluated_TPK.double()]
    added = []
    for before_TPK, after_TPK in itertools.pairwise(steps):
        step_TPK = after_TPK - before_TPK
        around_TPK = (after_TPK - targets_PK) + (before_TPK - targets_PK)
        added.append((step_TPK * around_TPK).sum(dim=2) @ weights_P)
    return ErrorParts(best.mean_square_T, *added)


def precise_product(features_TPF: Tensor, weights_TFK: Tensor) -> Tensor:
    """Matrix products by compensated dot products: as if summed with twice the digits of float64, then rounded.

    The relative error is that of one rounding, unless more than 16 digits cancel.

    Args:
        features_TPF: Left factors, float64.
        weights_TFK: Right factors, float64.

    Returns:
        Shape ``[T, P, K]``, float64.

    Example:
        1e16 + 1 - 1e16, of which a plain sum gives 0.

        >>> features_TPF = torch.tensor([[[1e16, 1.0, -1e16]]]).double()
        >>> precise_product(features_TPF, torch.ones(1, 3, 1).double()).tolist()
        [[[1.0]]]

    Source: Ogita, Rump, Oishi, "Accurate sum and dot product" (2005), algorithm 5.3.
    """
    features_TFP, num_trials = features_TPF.mT, len(weights_TFK)
    sums = []
    for weights_TF in weights_TFK.unbind(dim=2):
        sum_TP = features_TFP.new_zeros(num_trials, features_TFP.shape[2])
        lost_TP = torch.zeros_like(sum_TP)
        for feature_TP, weight_T in zip(features_TFP.unbind(dim=1), weights_TF.unbind(dim=1), strict=True):
            product_TP, of_product_TP = _two_product(feature_TP, weight_T[:, None])
            sum_TP, of_sum_TP = _two_sum(sum_TP, product_TP)
            lost_TP += of_product_TP + of_sum_TP
        sums.append(sum_TP + lost_TP)
    return torch.stack(sums, dim=2)


def _two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """A sum and its rounding error, both exact: Knuth's TwoSum."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def _two_product(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """A product and its rounding error, both exact: Dekker's TwoProduct."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: Tensor) -> tuple[Tensor, Tensor]:
    """Veltkamp's split of a float64 into a high and a low half of 26 bits."""
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high
