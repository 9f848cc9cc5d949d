"""A diagnostic that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from pipeline.claims import diagnostic_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss


@dataclass(frozen=True)
class Mean(Diagnostic):
    """Mean of the squared weights, of which each test breaks one thing."""

    unit: ClassVar[str] = "mean square"

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.weights_TN.square().mean(dim=1)


class OfAll(Mean):
    """One number for all trials."""

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return super().__call__(snapshot).mean()


class Counts(Mean):
    """Whole numbers."""

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return (snapshot.weights_TN > 0).sum(dim=1)


class Nowhere(Mean):
    """Applies to nothing."""

    def applies(self, model: Model, loss: Loss, optimizer: Optimizer) -> bool:
        return False


class Below(Mean):
    """Negative in silence."""

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return -super().__call__(snapshot)


class Writing(Mean):
    """Writes to the weights."""

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return snapshot.weights_TN.square_().mean(dim=1)


class Relative(Mean):
    """Relative to the mean of all trials."""

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return super().__call__(snapshot) / super().__call__(snapshot).mean()


class Constant(Mean):
    """Says that it is constant."""

    constant_for_linear_models: ClassVar[bool] = True


class Unnamed(Mean):
    """Has no title."""

    unit: ClassVar[str] = ""


class Logarithm(Mean):
    """Not a number."""

    def __call__(self, snapshot: Snapshot) -> Tensor:
        return torch.log(-super().__call__(snapshot))


def test_the_unbroken_one_keeps_every_claim() -> None:
    assert {finding.verdict for finding in examine(Mean(), claims.DIAGNOSTIC_CLAIMS)} == {"holds"}


@pytest.mark.parametrize(
    ("claim", "diagnostic", "what"),
    [
        (claims.gives_a_number_for_each_trial, OfAll(), "the shape is [] for 4 trials of linear(legendre)"),
        (claims.gives_a_number_for_each_trial, Counts(), "they are torch.int64 for linear(legendre)"),
        (claims.gives_a_number_for_each_trial, Logarithm(), "one is NaN for random weights of linear(legendre)"),
        (claims.gives_a_number_for_each_trial, Nowhere(), "it applies to none of linear, greedy, shallow"),
        (claims.is_signed_as_claimed, Below(), "one is -"),
        (claims.leaves_the_snapshot_as_it_was, Writing(), "it changes them of linear(legendre)"),
        (claims.bears_a_diverged_trial, Relative(), "beside weights of nan, trials of linear(legendre) have other"),
        (claims.is_constant_as_claimed, Constant(), "of linear(legendre) other weights have another one"),
        (claims.has_a_unit, Unnamed(), "it is empty"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, diagnostic: Diagnostic, what: str) -> None:
    (finding,) = examine(diagnostic, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
