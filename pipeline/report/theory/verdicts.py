"""Verdicts: whether a measurement agrees with a theory or contradicts it, or why nothing can be said.

Each kind of claim about a trial has a module of its own, which says ``agrees``, ``contradicts`` or, in a few words that
can follow a number of trials (``5 still moving``), why nothing. ``trial_verdicts`` makes one verdict of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

AGREES, CONTRADICTS, CANNOT_SAY = "agrees", "contradicts", "cannot say"


class Said(NamedTuple):
    """What one kind of claim says of each trial, as two columns of text."""

    verdict: pl.Expr
    """``agrees``, ``contradicts``, or the reason for neither in a few words; null where it does not apply."""
    grounds: pl.Expr
    """What the verdict rests on, or the whole reason, with its numbers; null where it does not apply."""


def decided(verdict: pl.Expr) -> pl.Expr:
    """Whether a verdict is that theory agrees or is contradicted, not a reason for neither."""
    return verdict.is_in([AGREES, CONTRADICTS])


def number_in_rows(number: pl.Expr, noun: str) -> pl.Expr:
    """A number of things in words, row by row: ``1 step``, ``2 steps``.

    Args:
        number: Column of whole numbers.
        noun: In the singular; its plural ends in s.

    Returns:
        Texts; null where the number is.
    """
    return pl.format("{} {}", number, pl.when(number == 1).then(pl.lit(noun)).otherwise(pl.lit(f"{noun}s")))


def combined(claims: Sequence[Said]) -> Said:
    """One verdict of several kinds of claims.

    Args:
        claims: In the order in which they are heard.

    Returns:
        What the first of them says that contradicts; without one, the first that agrees; without one, the first reason.
    """
    ranked = [claim.verdict == word for word in (CONTRADICTS, AGREES) for claim in claims]
    ranked += [claim.verdict.is_not_null() for claim in claims]
    verdict, grounds = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for position in reversed(range(len(ranked))):
        claim = claims[position % len(claims)]
        verdict = pl.when(ranked[position]).then(claim.verdict).otherwise(verdict)
        grounds = pl.when(ranked[position]).then(claim.grounds).otherwise(grounds)
    return Said(verdict, grounds)


def verdict_counts(verdict: pl.Expr, of: str = "trial") -> pl.Expr:
    """The verdicts of a group in words, as ``agrees (30 of 35 trials), 5 still moving``.

    Args:
        verdict: Column of verdicts.
        of: What they are on, in the singular.

    Returns:
        An aggregation. It begins with the contradictions if there are any, else with what agrees, else with the most
        frequent reason; every other reason follows, the most frequent first.
    """
    runs = verdict.filter(~decided(verdict)).sort().rle()  # sorted runs are counts in an order that does not vary
    runs = runs.sort_by(runs.struct.field("len"), descending=True, maintain_order=True)
    number, reason = runs.struct.field("len"), runs.struct.field("value")
    total = verdict.len()

    def led(word: pl.Expr, count: pl.Expr, reasons_from: int) -> pl.Expr:
        reasons = pl.format(", {} {}", number, reason).slice(reasons_from).str.join("")
        return pl.format("{} ({} of {}){}", word, count, number_in_rows(total, of), reasons)

    agreeing, contradicting = (verdict == AGREES).sum(), (verdict == CONTRADICTS).sum()
    return (
        pl.when(contradicting > 0)
        .then(led(pl.lit(CONTRADICTS), contradicting, 0))
        .when(agreeing > 0)
        .then(led(pl.lit(AGREES), agreeing, 0))
        .otherwise(led(reason.first(), number.first(), 1))
    )
