"""The more numbers are owned, of which a few are added up, the lower the expected score of the best."""

from __future__ import annotations

import pytest

from pipeline.problems.number_game import NumberGame, Rules, outcomes_by_owned
from pipeline.report.figures.score_by_owned import SCORES, score_by_owned

GAME = NumberGame("?", (Rules(2, 1, highest_goal=5), Rules(3, 3)))


def test_the_first_round_sets_how_many_are_added_up() -> None:
    (rows,) = score_by_owned(GAME).to_dict()["datasets"].values()
    exact = outcomes_by_owned(1, highest_goal=5)
    assert {row["owned"]: row["score"] for row in rows if row["numbers"] == "the best"} == pytest.approx(
        {owned: float(outcome.best) for owned, outcome in exact.items()}
    )
    assert {row["owned"]: row["score"] for row in rows if row["numbers"] != "the best"} == pytest.approx(
        {owned: float(outcome.mean) for owned, outcome in exact.items()}
    )


def test_the_best_numbers_are_no_worse_than_numbers_drawn_at_random() -> None:
    (rows,) = score_by_owned(GAME).to_dict()["datasets"].values()
    best = {row["owned"]: row["score"] for row in rows if row["numbers"] == "the best"}
    assert all(best[row["owned"]] <= row["score"] for row in rows)
    assert sorted(best.values(), reverse=True) == [best[owned] for owned in sorted(best)]


def test_the_caption_is_a_sentence() -> None:
    assert SCORES.caption.endswith(".")
