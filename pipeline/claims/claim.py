"""A claim: one sentence that is true of every definition of a kind, or that a definition says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.extensions.places import in_words, place_in

Claim = Callable[[Any], str | None]
"""Holds a definition against one claim: empty if it is true, ``None`` if the definition does not make it, and else what
contradicts it. The first line of the docstring is the claim in words."""


@dataclass(frozen=True)
class CheckedClaim:
    """What came of one claim.

    Args:
        claim: In words.
        verdict: Whether it holds; a claim that a definition does not make is not checked.
        what: What contradicts it; empty where it holds.
    """

    claim: str
    verdict: Literal["holds", "fails", "not claimed"]
    what: str = ""


def sentence(claim: Claim) -> str:
    """A claim in words."""
    return (claim.__doc__ or "").splitlines()[0].rstrip(".")


def examine(definition: Any, claims: Sequence[Claim]) -> list[CheckedClaim]:
    """Hold a definition against claims; an error in its code contradicts the claim that it was asked for.

    Args:
        definition: The definition.
        claims: Those of its kind.

    Returns:
        One finding for each claim.
    """
    return [_examined(definition, claim) for claim in claims]


def _examined(definition: Any, claim: Claim) -> CheckedClaim:
    try:
        what = claim(definition)
    except (Exception, SystemExit) as error:  # whatever a user's code may raise is a finding
        place = place_in(error)
        return CheckedClaim(sentence(claim), "fails", f"{place}: {in_words(error)}" if place else in_words(error))
    if what is None:
        return CheckedClaim(sentence(claim), "not claimed")
    return CheckedClaim(sentence(claim), "fails" if what else "holds", what)
