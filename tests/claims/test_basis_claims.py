"""A basis that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from pipeline.claims import basis_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import Hat
from pipeline.models.bases.polynomial import Monomial
from pipeline.problems.measures import Normal, Uniform


@dataclass(frozen=True)
class Powers(Basis):
    """Monomials of which each test breaks one thing."""

    source: ClassVar[str] = "school"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return x_P[:, None] ** torch.arange(width)


class Transposed(Powers):
    """Functions first."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P, width).mT


class InDouble(Powers):
    """Always float64."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P.double(), width)


class Inverse(Powers):
    """Negative powers, infinite at 0."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return x_P[:, None] ** -torch.arange(width)


class Centred(Powers):
    """Of points less their mean, which depends on the others."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P - x_P.mean(), width)


class Rounded(Powers):
    """With three digits."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P.half().to(x_P) if x_P.dtype is torch.float32 else x_P, width)


class Scaled(Powers):
    """Divided by the width."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P, width) / width


class NotNested(Powers):
    """Claims less than it keeps."""

    nested: ClassVar[bool] = False


class Halved(Powers):
    """Begins with one half."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P, width) / 2


class Unity(Powers):
    """Claims to sum to one."""

    sums_to_one: ClassVar[bool] = True


class HatsInSilence(Hat):
    """Sum to one and do not say so."""

    sums_to_one: ClassVar[bool] = False


class Positive(Powers):
    """Zero on the left half, of which the support says nothing."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return super().__call__(x_P.clamp(min=0), width)


class Dependent(Powers):
    """The last two functions are equal."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return x_P[:, None] ** torch.arange(width).clamp(max=7)


class ClaimsUniform(Powers):
    """Claims to be orthonormal."""

    orthonormal_under: ClassVar[Uniform] = Uniform()


class ClaimsNormal(Powers):
    """Claims what cannot be checked."""

    orthonormal_under: ClassVar[Normal] = Normal()


class Signs(Powers):
    """Jumps at dyadic points, in silence."""

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return (x_P >= 0).to(x_P)[:, None].expand(-1, width)


class ClaimsJumps(Powers):
    """Claims to jump."""

    breaks_at_dyadic: ClassVar[bool] = True


class OfFirstOrder(Monomial):
    """Claims less than it keeps."""

    order: ClassVar[float] = 1.0


class OfAnyOrder(Hat):
    """Claims more than it keeps."""

    order: ClassVar[float] = float("inf")


class Unsourced(Powers):
    """Says not where it is from."""

    source: ClassVar[str] = ""


@pytest.mark.parametrize(
    ("claim", "basis", "what"),
    [
        (claims.has_a_column_for_each_function, Transposed(), "the shape is [1, 257] for 257 points and 1 functions"),
        (claims.has_a_column_for_each_function, InDouble(), "the values are torch.float64 for points of torch.float32"),
        (claims.is_finite_up_to_the_ends, Inverse(), "function 1 of 200 is not"),
        (claims.is_the_same_twice_and_point_by_point, Centred(), "a point alone differs by "),
        (claims.differs_in_single_precision_by_rounding, Rounded(), "it differs by 0.00"),
        (claims.is_nested_as_claimed, Scaled(), "functions differ by 0.97 from the same ones of 40"),
        (claims.is_nested_as_claimed, NotNested(), "it is nested, and says that it is not"),
        (claims.begins_with_one_as_claimed, Halved(), "it is not"),
        (claims.sums_to_one_as_claimed, Unity(), "at width 2 the sum is off by 1 and the least value is -0.99"),
        (claims.sums_to_one_as_claimed, HatsInSilence(), "they are at width 2"),
        (claims.is_zero_outside_its_support_only, Positive(), "function 1 of 2 is zero inside of it, at -0."),
        (claims.is_independent_as_claimed, Dependent(), "the rank of nine is 8"),
        (claims.is_orthonormal_as_claimed, ClaimsUniform(), "a mean is off by 0.98"),
        (claims.is_orthonormal_as_claimed, ClaimsNormal(), "means under normal cannot be checked"),
        (claims.jumps_as_claimed, Signs(), "they jump by 1"),
        (claims.jumps_as_claimed, ClaimsJumps(), "within a cell they change by 0.06"),
        (claims.falls_at_the_claimed_order, OfFirstOrder(), "they fall as width^-"),
        (claims.falls_at_the_claimed_order, OfAnyOrder(), "the error at width 16 is 0.00"),
        (claims.names_its_source, Unsourced(), "it is empty"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, basis: Basis, what: str) -> None:
    (finding,) = examine(basis, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)


def test_every_claim_is_broken_above() -> None:
    assert len(claims.BASIS_CLAIMS) == 13
    assert not claims.names_its_source(Powers())
    assert claims.falls_at_the_claimed_order(Powers()) is None
