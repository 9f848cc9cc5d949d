"""The number game is counted out exactly, and owning more than may be used wins."""

import itertools
import re
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PipelineError
from pipeline.problems.number_game import (
    NUMBERS,
    Rules,
    expected_score,
    nearest_summands,
    outcome,
    outcomes_by_owned,
    score,
)


def rules_of(name: str) -> Rules:
    """The rules that the name of a reference value tells."""
    own, how, highest = re.fullmatch(r"game_size(\d)_(upto|exactly)3_f0to(\d+)", name).groups()
    return Rules(own=int(own), exactly=how == "exactly", highest_goal=int(highest))


@pytest.mark.reference("game_size*")
def test_best_numbers_and_their_score_are_the_exact_ones(reference: dict) -> None:
    found = outcome(rules_of(reference["name"]))
    assert found.best == Fraction(reference["value"]["fraction"])
    assert float(found.best) == reference["value"]["float"]
    sets = [list(owned) for owned in found.best_sets]
    if "best_sets" in reference["inputs"]:
        assert sets == reference["inputs"]["best_sets"]
    else:
        assert len(sets) == reference["inputs"]["n_best"]
        first = reference["inputs"]["best_sets_first"]
        assert sets[: len(first)] == first
    assert float(found.mean) == pytest.approx(reference["inputs"]["mean_over_all_sets"], rel=1e-14)


@pytest.mark.parametrize(
    ("numbers", "goal", "distance"),
    [((3, 5, 9), 15, 1), ((3, 5, 9), 1, 1), ((0, 1, 2, 3, 4, 8), 5, 0), ((0, 1, 2, 3, 4, 8), 18, 3)],
)
def test_cases_of_the_lecture(numbers: tuple[int, ...], goal: int, distance: int) -> None:
    assert score(numbers, goal, Rules(own=len(numbers))) == distance


owned = st.sets(st.sampled_from(NUMBERS), min_size=3).map(tuple)


@given(numbers=owned, goal=st.integers(0, 27), exactly=st.booleans())
def test_score_is_the_least_distance_of_all_sums(numbers: tuple[int, ...], goal: int, exactly: bool) -> None:
    rules = Rules(own=len(numbers), exactly=exactly)
    sizes = (3,) if exactly else (0, 1, 2, 3)
    sums = {sum(chosen) for size in sizes for chosen in itertools.combinations(numbers, size)}
    assert score(numbers, goal, rules) == min(abs(goal - total) for total in sums)
    chosen = nearest_summands(numbers, goal, rules)
    assert set(chosen) <= set(numbers)
    assert len(set(chosen)) == len(chosen) in sizes


@given(numbers=owned, exactly=st.booleans(), highest=st.integers(0, 30))
def test_expected_score_is_the_mean_over_all_goals(numbers: tuple[int, ...], exactly: bool, highest: int) -> None:
    rules = Rules(own=len(numbers), exactly=exactly, highest_goal=highest)
    scores = [score(numbers, goal, rules) for goal in rules.goals]
    assert expected_score(numbers, rules) == Fraction(sum(scores), highest + 1)


def test_best_numbers_are_better_than_all_others() -> None:
    rules = Rules(own=2, add=2)
    found = outcome(rules)
    scores = {numbers: expected_score(numbers, rules) for numbers in itertools.combinations(NUMBERS, 2)}
    assert found.best == min(scores.values())
    assert found.best_sets == tuple(numbers for numbers, value in scores.items() if value == found.best)
    assert found.mean == sum(scores.values()) / 45


@pytest.mark.parametrize("exactly", [False, True])
def test_owning_more_is_never_worse(exactly: bool) -> None:
    found = outcomes_by_owned(exactly=exactly)
    assert list(found) == list(range(3 if exactly else 0, 11))
    best = [result.best for result in found.values()]
    assert best == sorted(best, reverse=True)
    assert best[0] > 3 * best[-1]
    assert all(result.best <= result.mean for result in found.values())
    if not exactly:
        # Nothing to add: the mean of 0..27. All ten numbers, three of them added: 25, 26, 27 are missed, as 24 = 7+8+9.
        assert (best[0], best[3], best[10]) == (Fraction(27, 2), Fraction(5, 4), Fraction(1 + 2 + 3, 28))


# --- what cannot be ---


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Rules(own=11), "own: 11 of the numbers 0 to 9 cannot be owned\n  hint: take 0 to 10"),
        (lambda: Rules(own=2, exactly=True), "add: 3 of 2 numbers cannot be added up\n  hint: take 0 to 2"),
        (lambda: Rules(add=-1), "add: -1 of 3 numbers cannot be added up\n  hint: take 0 to 3"),
        (lambda: Rules(highest_goal=-1), "highest_goal: no goal lies between 0 and -1\n  hint: take a number from 0"),
        (lambda: score((1, 2, 10), 5, Rules()), "10 is not one of the numbers 0 to 9\n  hint: take another one"),
        (lambda: score((1, 2, 2), 5, Rules()), "2 is there twice\n  hint: own each number once"),
        (lambda: expected_score((1, 2), Rules()), "these are 2 numbers, not 3\n  hint: own 3 numbers"),
    ],
)
def test_rules_and_numbers_that_cannot_be_are_refused(ask: Callable, message: str) -> None:
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        ask()
