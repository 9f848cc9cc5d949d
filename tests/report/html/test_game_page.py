"""The page of the number game holds exact values beside values that were played."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from browser import prefer, reset, violations
from selenium.webdriver import Chrome

from pipeline.config import read_file
from pipeline.problems.number_game import NumberGame, Rules
from pipeline.report.html import game_page as page_of_game
from pipeline.report.html.game_page import GAMES, cases, measured, rounds, write_game

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def lecture() -> NumberGame:
    return read_file(ROOT / "configs" / "lecture" / "number_game.yaml", NumberGame)


def test_the_lecture_s_cases_have_the_scores_that_it_gives(lecture: NumberGame) -> None:
    shown = {(own, goal): score for own, goal, _, score in cases(lecture).rows()}
    assert shown == {
        ("{3, 5, 9}", 15): 1,
        ("{3, 5, 9}", 1): 1,
        ("{0, 1, 2, 3, 4, 8}", 5): 0,
        ("{0, 1, 2, 3, 4, 8}", 18): 3,
    }


def test_numbers_to_add_up_have_the_score_that_stands_beside_them(lecture: NumberGame) -> None:
    for _, goal, chosen, score in cases(lecture).rows():
        total = sum(map(int, chosen.split(" + "))) if chosen != "nothing" else 0
        assert abs(goal - total) == score


def test_every_round_of_the_lecture_agrees_with_what_was_played(lecture: NumberGame) -> None:
    table = rounds(lecture)
    assert table["expected score"].to_list() == ["5/4 = 1.25", "2/25 = 0.08", "25/28 = 0.8929", "156/25 = 6.24"]
    assert set(table["verdict"]) == {"agrees"}


def test_a_wrong_expectation_contradicts_what_was_played(monkeypatch: pytest.MonkeyPatch, lecture: NumberGame) -> None:
    """The numbers that are played are not those that the expected score is of."""
    worse = (0, 1, 2)
    monkeypatch.setattr(page_of_game, "measured", lambda numbers, rules: measured(worse[: rules.own], rules))
    three = NumberGame("?", (Rules(3, 3),))
    assert rounds(three)["verdict"].to_list() == ["contradicts"]


def test_measured_is_a_mean_with_its_standard_error() -> None:
    """Owning nothing scores the goal itself: uniform on 0..9, mean 4.5, variance 8.25."""
    mean, error = measured((), Rules(0, 0, highest_goal=9))
    assert error == pytest.approx((8.25 / GAMES) ** 0.5, rel=0.05)
    assert abs(mean - 4.5) < 4.5 * error


def test_page_is_one_file_that_shows_hostile_words_as_words(tmp_path: Path) -> None:
    page = write_game(NumberGame("<script>alert(1)</script>", (Rules(2, 2),)), tmp_path)
    html = page.read_text()
    assert "<h1>&lt;script&gt;alert(1)&lt;/script&gt;</h1>" in html
    assert (tmp_path / "figures" / "score_by_owned.png").read_bytes().startswith(b"\x89PNG")


def test_cases_that_nobody_asked_for_are_an_empty_table() -> None:
    assert cases(NumberGame("?", (Rules(),))).equals(pl.DataFrame(schema=cases(NumberGame("?", (Rules(),))).schema))


def test_axe_core_finds_nothing_that_keeps_anybody_from_the_game(
    chromium: Chrome, tmp_path: Path, lecture: NumberGame
) -> None:
    chromium.get(write_game(lecture, tmp_path).as_uri())
    assert violations(chromium) == []
    prefer(chromium, color_scheme="dark")
    assert violations(chromium, runOnly=["color-contrast"]) == []
    reset(chromium)
