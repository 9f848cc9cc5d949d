"""An activation that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from pipeline.claims import activation_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.models.activations import Activation, DerivativeBounds


@dataclass(frozen=True)
class Soft(Activation):
    """Softplus, of which each test breaks one thing."""

    derivative_bounds: ClassVar[DerivativeBounds | None] = DerivativeBounds(1.0, 1 / 4, 1 / (6 * 3**0.5))

    def __call__(self, z: Tensor) -> Tensor:
        return torch.nn.functional.softplus(z, threshold=40)

    def apply_(self, z: Tensor) -> Tensor:
        return z.copy_(self(z))

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return gradient.mul_(-torch.expm1(-value))

    def second_derivative(self, value: Tensor) -> Tensor:
        return torch.exp(-value) * -torch.expm1(-value)


class Summed(Soft):
    """One value for all."""

    def __call__(self, z: Tensor) -> Tensor:
        return super().__call__(z).sum()


class Overwriting(Soft):
    """Writes over its sums."""

    def __call__(self, z: Tensor) -> Tensor:
        return z.copy_(super().__call__(z)) + 0


class Elsewhere(Soft):
    """In place gives new memory."""

    def apply_(self, z: Tensor) -> Tensor:
        return self(z)


class Other(Soft):
    """In place gives other values."""

    def apply_(self, z: Tensor) -> Tensor:
        return z.relu_()


class OfSums(Soft):
    """Takes the value for the sum."""

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return gradient.mul_(torch.sigmoid(value))


class Copying(Soft):
    """Gives the product in new memory."""

    def multiply_by_derivative_(self, gradient: Tensor, value: Tensor) -> Tensor:
        return gradient * -torch.expm1(-value)


class Straight(Soft):
    """Says that it has no curvature."""

    def second_derivative(self, value: Tensor) -> Tensor:
        return torch.zeros_like(value)


class Kinked(Soft):
    """Says that it has a kink."""

    kinked: ClassVar[bool] = True


class Turned(Soft):
    """Says that it is convex, and is concave."""

    convex: ClassVar[bool] = True

    def __call__(self, z: Tensor) -> Tensor:
        return -super().__call__(-z)


class Steeper(Soft):
    """Says that its third derivative is smaller than it is."""

    derivative_bounds: ClassVar[DerivativeBounds | None] = DerivativeBounds(1.0, 1 / 4, 0.09)


class Unbounded(Soft):
    """Says nothing of its derivatives."""

    derivative_bounds: ClassVar[DerivativeBounds | None] = None


class Hiding(Soft):
    """Makes a number of NaN."""

    def __call__(self, z: Tensor) -> Tensor:
        return super().__call__(z).nan_to_num()


def test_the_unbroken_one_keeps_every_claim() -> None:
    assert {finding.verdict for finding in examine(Soft(), claims.ACTIVATION_CLAIMS)} == {"holds"}


def test_derivatives_without_bounds_are_not_claimed() -> None:
    (finding,) = examine(Unbounded(), [claims.keeps_its_derivatives_within_their_bounds])
    assert finding.verdict == "not claimed"


@pytest.mark.parametrize(
    ("claim", "activation", "what"),
    [
        (claims.has_a_value_for_each_sum, Summed(), "they are [], torch.float64 for [1, 601, 1], torch.float64"),
        (claims.has_a_value_for_each_sum, Overwriting(), "the sums are overwritten"),
        (claims.is_the_same_in_place, Elsewhere(), "they are in other memory"),
        (claims.is_the_same_in_place, Other(), "they are other values"),
        (claims.knows_its_derivative_from_its_value, OfSums(), "at "),
        (claims.knows_its_derivative_from_its_value, Copying(), "the product is in other memory than the gradient"),
        (claims.knows_its_second_derivative_from_its_value, Straight(), "at 0 it is 0, and by autograd 0.25"),
        (claims.has_a_kink_as_claimed, Kinked(), "it is 0.5 on the left and 0.5 on the right"),
        (claims.is_convex_if_claimed, Turned(), "its derivative falls at -18.4"),
        (claims.keeps_its_derivatives_within_their_bounds, Steeper(), "that of order 3 is 0.09"),
        (claims.passes_on_what_is_not_a_number, Hiding(), "it is a number"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, activation: Activation, what: str) -> None:
    (finding,) = examine(activation, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
