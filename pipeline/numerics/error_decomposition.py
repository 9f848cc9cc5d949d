"""A mean squared error told apart into what causes it: parts that add up to the whole.

From the target ``f`` to the outputs ``g`` of a trial there are four steps: the best
combination of its features under the law of the inputs, ``Pf``; the best one on the
training points, ``s``; the combination that was learned, ``h``; and that as the dtype
evaluates it, ``g``. Each part is what one step adds to the mean square,

    |f - Pf|^2,   |f - s|^2 - |f - Pf|^2,   |f - h|^2 - |f - s|^2,   |f - g|^2 - |f - h|^2,

so that they add up whatever the steps are. The first two are never negative: ``Pf`` is a
projection, and the second is ``|Pf - s|^2``. The others may be: training that stops early
can end nearer to the target than least squares does, and so can a rounding. Each is
computed as an inner product of a step with what surrounds it: a difference of two squares
would have no digits left where a step is small.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from pipeline.numerics.least_squares import least_squares

SPLITTER = 2.0**27 + 1
"""Parts a float64 into two halves of 26 bits, whose products are exact."""


class Projection(NamedTuple):
    """The best combinations of features under the law of the inputs.

    Args:
        outputs_TPK: Their values.
        mean_square_T: What they miss of the targets; NaN where a feature is not finite.
    """

    outputs_TPK: Tensor
    mean_square_T: Tensor


class ErrorParts(NamedTuple):
    """What each step adds to the mean squared error, all ``[T]``; their sum is the mean squared error."""

    approximation_T: Tensor
    sampling_T: Tensor
    optimisation_T: Tensor
    rounding_T: Tensor


def project(features_TPF: Tensor, targets_PK: Tensor, weights_P: Tensor) -> Projection:
    """Project the targets onto the span of the features in the inner product of a rule.

    Args:
        features_TPF: Float64.
        targets_PK: Shared by all.
        weights_P: Of the points, not negative, of sum 1.
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
    """The parts of the mean squared error of outputs.

    Args:
        best: The projection of the targets onto the features.
        fitted_TPK: The combination of the same features that is best on the training points.
        learned_TPK: The combination that was learned, evaluated with more digits than training has.
        evaluated_TPK: The same as training evaluates it.
        targets_PK: The targets, float64.
        weights_P: Of the points, not negative, of sum 1.
    """
    steps = [best.outputs_TPK, fitted_TPK, learned_TPK, evaluated_TPK.double()]
    added = []
    for before_TPK, after_TPK in itertools.pairwise(steps):
        step_TPK = after_TPK - before_TPK
        around_TPK = (after_TPK - targets_PK) + (before_TPK - targets_PK)
        added.append((step_TPK * around_TPK).sum(dim=2) @ weights_P)
    return ErrorParts(best.mean_square_T, *added)


def precise_product(features_TPF: Tensor, weights_TFK: Tensor) -> Tensor:
    """The product of stacked matrices as if summed with twice the digits of float64, then rounded: ``[T, P, K]``.

    Its relative error is that of one rounding, unless more than 16 digits cancel.

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
    """A sum and what its rounding lost."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def _two_product(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """A product and what its rounding lost."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def _halves(a: Tensor) -> tuple[Tensor, Tensor]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high
