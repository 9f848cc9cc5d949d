"""The verb play: the lecture's number game at a terminal, or with its answers piped in."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.problems.number_game import Rules

OWNED = (3, 6)
"""How many numbers are owned in each round."""
GOALS = 3
"""Goals of a round."""
LEAVING = {"q", "quit", "exit"}


class _LeftError(Exception):
    """The answers have come to an end, or the player has."""


@dataclass
class _Round:
    """One round of the game, as far as it was played."""

    rules: Rules
    owned: tuple[int, ...] = ()
    goals: list[int] = field(default_factory=list)
    scores: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class PlayOptions:
    """Options of play.

    Args:
        seed: Any word; the same one gives the same goals.
    """

    seed: str | None


def play(options: PlayOptions) -> int:
    """Play the lecture's number game: own some numbers, then come close to goals with a few of them."""
    from pipeline.problems.number_game import NUMBERS, Rules

    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # what is no text is a wrong answer, not an end
    rounds = [_Round(Rules(own=own)) for own in OWNED]
    most, highest = rounds[0].rules.add, rounds[0].rules.highest_goal
    print(
        f"You own some of the numbers 0 to {NUMBERS[-1]}. Then goals from 0 to {highest} come, all equally likely.\n"
        f"For each you add up at most {most} of your numbers, each once, or none for 0.\n"
        "The distance from the goal is your score: less is better. q leaves the game."
    )
    try:
        for number, played in enumerate(rounds, start=1):
            _play_round(number, played, _goals(options.seed, number, played.rules))
    except _LeftError:
        print("\nThat is the end of the game.")
    except KeyboardInterrupt:
        print("\nThat is the end of the game.")
        return 130
    for number, played in enumerate(rounds, start=1):
        _print_best(number, played)
    print(
        f"\nNobody adds up more than {most}. Who owns more chooses them after seeing the goal, and that wins:\n"
        "a basis chosen for its target beats one that was fixed before."
    )
    return 0


def _goals(seed: str | None, number: int, rules: Rules) -> list[int]:
    """The goals of a round; the same seed gives the same ones."""
    import numpy as np

    from pipeline.numerics.randomness import stream

    rng = np.random.default_rng() if seed is None else stream("number game", seed, number)
    return [int(goal) for goal in rng.integers(len(rules.goals), size=GOALS)]


def _play_round(number: int, played: _Round, goals: Sequence[int]) -> None:
    from pipeline.problems.number_game import check_owned, nearest_summands

    rules = played.rules
    while not played.owned:
        try:
            played.owned = check_owned(_answer(f"\nRound {number}. Which {rules.own} numbers do you own?"), rules)
        except PipelineError as error:
            print(error)
    for goal in goals:
        chosen = _summands(goal, played)
        distance = abs(goal - sum(chosen))
        played.goals.append(goal)
        played.scores.append(distance)
        nearest = nearest_summands(played.owned, goal, rules)
        better = abs(goal - sum(nearest)) < distance
        print(f"{_as_sum(chosen)}: {distance} away.{f' {_as_sum(nearest)} is nearer.' if better else ''}")


def _summands(goal: int, played: _Round) -> list[int]:
    """Ask for summands of a goal until they may be added up."""
    while True:
        try:
            chosen = _answer(f"The goal is {goal}. You own {_listed(played.owned)}. Which do you add up?")
            _check_summands(chosen, played)
            return chosen
        except PipelineError as error:
            print(error)


def _check_summands(chosen: Sequence[int], played: _Round) -> None:
    most = played.rules.add
    for number in chosen:
        if number not in played.owned:
            raise PipelineError(f"you do not own {number}", hint=f"you own {_listed(played.owned)}")
        if chosen.count(number) > 1:
            raise PipelineError(f"{number} is there twice", hint="add up each number once")
    if len(chosen) > most:
        raise PipelineError(f"these are {len(chosen)} numbers", hint=f"add up at most {most}")


def _answer(question: str) -> list[int]:
    """Ask for numbers.

    Args:
        question: What is printed.

    Returns:
        The numbers.

    Raises:
        PipelineError: If something else is.
        _LeftError: If there is no answer any more.
    """
    print(question, end=" ", flush=True)
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if line and not sys.stdin.isatty():
        print("".join(letter if letter.isprintable() else " " for letter in line).strip())
    words = line.replace(",", " ").replace("+", " ").split()
    if not line or LEAVING & {word.lower() for word in words}:
        raise _LeftError
    return [_number(word) for word in words]


def _number(word: str) -> int:
    if word in set("0123456789"):
        return int(word)
    glued = word.isascii() and word.isdecimal()
    hint = "put spaces between the numbers" if glued else "answer with numbers, like 3 5 9"
    raise PipelineError(f"{word[:20]!r} is not one of the numbers 0 to 9", hint=hint)


def _print_best(number: int, played: _Round) -> None:
    """Print the score of a round, and the best numbers to own in it."""
    from pipeline.problems.number_game import expected_score, outcome, score

    rules = played.rules
    print(f"\nRound {number}, {rules.own} numbers owned")
    if played.scores:
        average = float(expected_score(played.owned, rules))
        print(
            f"  you: {sum(played.scores)} on the goals {_listed(played.goals)};"
            f" your numbers {_listed(played.owned)} can do {average:.2f} a goal on average"
        )
    best = outcome(rules)
    scores = {owned: sum(score(owned, goal, rules) for goal in played.goals) for owned in best.best_sets}
    owned = min(scores, key=scores.__getitem__)
    others = f", one of {len(scores)} sets as good" if len(scores) > 1 else ""
    there = f", and {scores[owned]} on your goals" if played.goals else ""
    print(f"  best possible: {_listed(owned)}{others}: {float(best.best):.2f} a goal on average{there}")


def _as_sum(numbers: Sequence[int]) -> str:
    """Such as ``3 + 5 = 8``."""
    written = " + ".join(str(number) for number in numbers)
    return f"{written} = {sum(numbers)}" if len(numbers) > 1 else str(sum(numbers))


def _listed(numbers: Sequence[int]) -> str:
    return " ".join(str(number) for number in numbers)
