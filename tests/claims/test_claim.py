"""A claim holds, is not made, or fails with what contradicts it, which an error in the code of a definition does."""

from __future__ import annotations

import sys

import pytest

from pipeline.claims.claim import CheckedClaim, examine, sentence
from pipeline.claims.kinds import CLAIMS


def small(number: int) -> str:
    """it is below 3."""
    return "" if number < 3 else f"it is {number}"


def even(number: int) -> str | None:
    """it is even.

    Not for odd ones.
    """
    return None if number % 2 else ""


def inverse(number: int) -> str:
    """it has an inverse."""
    return "" if 1 / number else "none"


def test_findings_are_in_the_order_of_the_claims() -> None:
    assert [finding.verdict for finding in examine(1, [small, even])] == ["holds", "not claimed"]
    assert examine(4, [even, small]) == [
        CheckedClaim("it is even", "holds"),
        CheckedClaim("it is below 3", "fails", "it is 4"),
    ]


def test_an_error_is_a_contradiction() -> None:
    (finding,) = examine(0, [inverse])
    assert finding == CheckedClaim("it has an inverse", "fails", "ZeroDivisionError: division by zero")


@pytest.mark.parametrize("claim", [claim for claims in CLAIMS.values() for claim in claims])
def test_every_claim_has_a_sentence(claim: object) -> None:
    assert sentence(claim).strip()  # type: ignore[arg-type]
    assert not sentence(claim).endswith(".")  # type: ignore[arg-type]


def test_the_end_of_the_process_is_a_contradiction_too() -> None:
    def exits(number: int) -> str:
        """it is said."""
        sys.exit(number)

    assert examine(4, [exits]) == [CheckedClaim("it is said", "fails", "SystemExit: 4")]
