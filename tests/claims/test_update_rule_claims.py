"""A rule that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import Tensor

from pipeline.claims import update_rule_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.optimizers.rules import GradientDescent, UpdateRule

Slots = tuple[Tensor, ...]


class Uphill(GradientDescent):
    """The wrong sign."""

    def __call__(self, weights_TN: Tensor, gradient_TN: Tensor, slots: Slots, rates_T1: Tensor, step: int) -> None:
        weights_TN.addcmul_(rates_T1, gradient_TN)


class Forgetful(GradientDescent):
    """A slot that it never writes."""

    slots: ClassVar[int] = 1


class Normalised(GradientDescent):
    """By the norm of all trials together."""

    def __call__(self, weights_TN: Tensor, gradient_TN: Tensor, slots: Slots, rates_T1: Tensor, step: int) -> None:
        weights_TN.addcmul_(rates_T1, gradient_TN / gradient_TN.norm(), value=-1)


class Hiding(GradientDescent):
    """Makes numbers of NaN."""

    def __call__(self, weights_TN: Tensor, gradient_TN: Tensor, slots: Slots, rates_T1: Tensor, step: int) -> None:
        super().__call__(weights_TN, gradient_TN, slots, rates_T1, step)
        weights_TN.nan_to_num_()


class Bold(GradientDescent):
    """Claims a higher limit."""

    def stability_factor(self) -> float:
        return 3.0


class Shy(GradientDescent):
    """Claims a lower limit."""

    def stability_factor(self) -> float:
        return 1.0


def test_a_quadratic_is_descended_as_the_formula_says() -> None:
    rate, curvatures = torch.tensor([[0.1]]).double(), torch.tensor([1.0, 2.0]).double()
    weights = claims.descend(GradientDescent(), curvatures, torch.ones(1, 2).double(), rate, 3)
    torch.testing.assert_close(weights, (1 - 0.1 * curvatures)[None] ** 3)


@pytest.mark.parametrize(
    ("claim", "rule", "what"),
    [
        (claims.moves_in_place, Uphill(), "at the gradient 1 and the rate 0.1 a weight of 1 does not fall"),
        (claims.moves_in_place, Forgetful(), "a slot is left empty"),
        (claims.leaves_other_trials_alone, Normalised(), "a trial alone differs by "),
        (claims.leaves_other_trials_alone, Hiding(), "weights that are NaN become numbers again"),
        (claims.is_stable_below_the_claimed_limit_only, Bold(), "at 0.999 of it a weight is still "),
        (claims.is_stable_below_the_claimed_limit_only, Shy(), "a weight is bounded at 1.001 of it"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, rule: UpdateRule, what: str) -> None:
    (finding,) = examine(rule, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
