"""A loss that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from typing import ClassVar

import pytest
from torch import Tensor

from pipeline.claims import loss_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.problems.losses import BinaryCrossEntropy, BrierScore, HalfMeanSquare, Loss


class OfAllTrials(HalfMeanSquare):
    """One number for all trials."""

    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return super().__call__(outputs_TKP, targets_KP).sum()


class SumOverPoints(HalfMeanSquare):
    """A sum in place of a mean."""

    def __call__(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return super().__call__(outputs_TKP, targets_KP) * outputs_TKP.shape[-1]


class WrongSlope(HalfMeanSquare):
    """The gradient of the mean square without the half."""

    def gradient(self, outputs_TKP: Tensor, targets_KP: Tensor) -> Tensor:
        return 2 * super().gradient(outputs_TKP, targets_KP)


class WrongCurvature(HalfMeanSquare):
    """The curvature of the mean square without the half."""

    def curvature(self, outputs_TKP: Tensor, targets_KP: Tensor, directions_TKP: Tensor) -> Tensor:
        return 2 * super().curvature(outputs_TKP, targets_KP, directions_TKP)


class Flat(HalfMeanSquare):
    """Says less than its curvature."""

    largest_curvature: ClassVar[float] = 0.5


class Bowl(BrierScore):
    """Says that it is convex."""

    convex: ClassVar[bool] = True


class Quadratic(BinaryCrossEntropy):
    """Says that it is quadratic."""

    quadratic: ClassVar[bool] = True


@pytest.mark.parametrize(
    ("claim", "loss", "what"),
    [
        (claims.has_a_number_for_each_trial, OfAllTrials(), "values are [], torch.float64 of outputs [2, 4, 5]"),
        (claims.is_a_mean_over_points, SumOverPoints(), "twice the points have "),
        (claims.knows_its_gradient, WrongSlope(), "it is off by "),
        (claims.knows_its_curvature, WrongCurvature(), "it is off by "),
        (claims.knows_the_root_of_its_curvature, WrongCurvature(), "d R^T R d is "),
        (claims.is_curved_as_claimed, Flat(), "an eigenvalue is 1, above 0.5"),
        (claims.is_curved_as_claimed, Bowl(), "an eigenvalue is -0."),
        (claims.is_curved_as_claimed, Quadratic(), "the Hessian is not the same everywhere"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, loss: Loss, what: str) -> None:
    (finding,) = examine(loss, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
