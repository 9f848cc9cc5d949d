"""The lecture's number game: own some numbers, then add up a few of them to come close to a goal.

The numbers are a basis, the goal is the target: one who owns more numbers than may be added
up chooses the basis after seeing the target. Every value is exact, by enumeration: a
distance is an integer, an expected score a fraction.

Shape letters: B sets of numbers, C choices of summands, G goals, O owned numbers.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pipeline.errors import FieldError, PipelineError

NUMBERS = range(10)
"""Numbers that may be owned, each once."""


@dataclass(frozen=True)
class Rules:
    """Rules of a round: how many numbers one owns and adds up, and which goals occur, all equally likely."""

    own: int = 3
    """Numbers owned."""
    add: int = 3
    """Most numbers added up, each once; none at all gives 0."""
    exactly: bool = False
    """Whether exactly ``add`` numbers must be added up."""
    highest_goal: int = 27
    """Goals are the integers from 0 to this one."""

    def __post_init__(self) -> None:
        if not 0 <= self.own <= len(NUMBERS):
            what = f"{self.own} of the numbers 0 to {NUMBERS[-1]} cannot be owned"
            raise FieldError(("own",), what, hint=f"take 0 to {len(NUMBERS)}")
        if self.add < 0 or (self.exactly and self.add > self.own):
            what = f"{self.add} of {self.own} numbers cannot be added up"
            raise FieldError(("add",), what, hint=f"take 0 to {self.own}")
        if self.highest_goal < 0:
            what = f"no goal lies between 0 and {self.highest_goal}"
            raise FieldError(("highest_goal",), what, hint="take a number from 0")

    @property
    def goals(self) -> range:
        """All goals."""
        return range(self.highest_goal + 1)


@dataclass(frozen=True)
class Case:
    """A single case: numbers owned, and a goal."""

    numbers: tuple[int, ...]
    goal: int
    add: int = 3

    def __post_init__(self) -> None:
        if self.goal < 0:
            raise FieldError(("goal",), f"goal {self.goal!r} is negative", hint="take a number from 0")
        try:
            check_owned(self.numbers, Rules(len(self.numbers), self.add))
        except PipelineError as error:
            raise FieldError(("numbers",), error.what, hint=error.hint) from None


@dataclass(frozen=True)
class NumberGame:
    """Questions of a file about the game: rounds with rules of their own, and single cases."""

    question: str
    rounds: tuple[Rules, ...]
    cases: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        if not self.rounds:
            raise FieldError(("rounds",), "rounds is empty", hint="give at least one")


@dataclass(frozen=True)
class Outcome:
    """Value of owning N numbers, under some rules."""

    best: Fraction
    """Least expected score of any set of numbers."""
    best_sets: tuple[tuple[int, ...], ...]
    """All sets that reach it."""
    mean: Fraction
    """Expected score of a set drawn at random."""


def score(numbers: Sequence[int], goal: int, rules: Rules) -> int:
    """Distance of a goal from the nearest sum of owned numbers.

    Args:
        numbers: Numbers owned.
        goal: Integer from 0.
        rules: How many may be added up.

    Returns:
        Integer from 0.
    """
    return abs(goal - sum(nearest_summands(numbers, goal, rules)))


def nearest_summands(numbers: Sequence[int], goal: int, rules: Rules) -> tuple[int, ...]:
    """Summands whose sum is nearest to a goal; of equals the fewest.

    Args:
        numbers: Numbers owned.
        goal: Integer from 0.
        rules: How many may be added up.

    Returns:
        Numbers in increasing order.

    Example:
        14 of the numbers 1, 5 and 9.

        >>> nearest_summands((1, 5, 9), 14, Rules(own=3, add=3))
        (5, 9)
    """
    return min(_choices(check_owned(numbers, rules), rules), key=lambda chosen: (abs(goal - sum(chosen)), len(chosen)))


def expected_score(numbers: Sequence[int], rules: Rules) -> Fraction:
    """Expected score over all goals, with the nearest sum for each.

    Args:
        numbers: Numbers owned.
        rules: How many may be added up, and which goals occur.

    Returns:
        An exact fraction.
    """
    distances_BG = _distances(np.array([check_owned(numbers, rules)], dtype=np.int64), rules)
    return Fraction(int(distances_BG.sum()), len(rules.goals))


@functools.lru_cache(maxsize=64)
def outcome(rules: Rules) -> Outcome:
    """Best sets of numbers to own before any goal is known, and the expected score of a random one, by enumeration.

    Args:
        rules: How many are owned and added up, and which goals occur.

    Returns:
        Exact fractions, with the sets.
    """
    sets = tuple(itertools.combinations(NUMBERS, rules.own))
    totals_B = _distances(np.array(sets, dtype=np.int64).reshape(len(sets), rules.own), rules).sum(axis=1)
    least = int(totals_B.min())
    best_sets = tuple(owned for owned, total in zip(sets, totals_B.tolist(), strict=True) if total == least)
    num_goals = len(rules.goals)
    return Outcome(Fraction(least, num_goals), best_sets, Fraction(int(totals_B.sum()), num_goals * len(sets)))


def outcomes_by_owned(add: int = 3, *, exactly: bool = False, highest_goal: int = 27) -> dict[int, Outcome]:
    """Outcomes by the number of numbers owned, when at most ``add`` may be added up.

    Args:
        add: Most numbers added up.
        exactly: Whether exactly ``add`` must be added up.
        highest_goal: Goals are the integers from 0 to this one.

    Returns:
        From N owned numbers to their value, N increasing.
    """
    least = add if exactly else 0
    return {own: outcome(Rules(own, add, exactly, highest_goal)) for own in range(least, len(NUMBERS) + 1)}


def check_owned(numbers: Sequence[int], rules: Rules) -> tuple[int, ...]:
    """Numbers that may be owned, in increasing order.

    Args:
        numbers: Numbers, in any order.
        rules: How many are owned.

    Returns:
        The same numbers, sorted.

    Raises:
        PipelineError: If one may not own them.
    """
    for number in numbers:
        if number not in NUMBERS:
            raise PipelineError(f"{number} is not one of the numbers 0 to {NUMBERS[-1]}", hint="take another one")
        if list(numbers).count(number) > 1:
            raise PipelineError(f"{number} is there twice", hint="own each number once")
    if len(numbers) != rules.own:
        raise PipelineError(f"these are {len(numbers)} numbers, not {rules.own}", hint=f"own {rules.own} numbers")
    return tuple(sorted(numbers))


def _choices(numbers: Sequence[int], rules: Rules) -> list[tuple[int, ...]]:
    """All sets of summands."""
    sizes = range(rules.add if rules.exactly else 0, min(rules.add, len(numbers)) + 1)
    return list(itertools.chain.from_iterable(itertools.combinations(numbers, size) for size in sizes))


def _distances(sets_BO: np.ndarray, rules: Rules) -> np.ndarray:
    """Score of every set for every goal, ``[B, G]``."""
    sums_BC = np.stack([sets_BO[:, list(places)].sum(axis=1) for places in _choices(range(rules.own), rules)], axis=1)
    return np.abs(sums_BC[:, :, None] - np.array(rules.goals)).min(axis=1)
