"""The number game is played to its end whatever is answered, and shows what the best numbers would have scored."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from pipeline.cli import main
from pipeline.problems.number_game import Rules, nearest_summands, outcome, score

Play = Callable[..., str]
THREE, SIX = "3 5 9", "0 1 2 3 4 8"
COMMAND = [sys.executable, "-m", "pipeline", "play", "--seed", "lecture"]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Play:
    """What is said in a game with these answers, a line each."""

    def played(*answers: str, seed: str = "lecture") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
        assert main(["play", "--seed", seed]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return played


def goals_of(said: str) -> list[int]:
    """The goals of a game, each asked for once."""
    return [int(goal) for goal in re.findall(r"The goal is (\d+)\.", said)]


@pytest.fixture
def goals(play: Play) -> list[int]:
    """The six goals of the seed ``lecture``."""
    return goals_of(play(THREE, "3", "3", "3", SIX, "3", "3", "3"))


def test_a_game_scores_the_distances_and_shows_the_best_possible_numbers_on_the_same_goals(
    play: Play, goals: list[int]
) -> None:
    said = play(THREE, "5 9", "5 9", "5 9", SIX, "8, 4", "8 + 4", "8")
    distances = [abs(goal - total) for goal, total in zip(goals, (14, 14, 14, 12, 12, 8), strict=True)]
    assert [int(found) for found in re.findall(r": (\d+) away\.", said)] == distances
    for first, own, owned in ((0, 3, (3, 5, 9)), (3, 6, (0, 1, 2, 3, 4, 8))):
        of_round = goals[first : first + 3]
        rules = Rules(own=own)
        listed = " ".join(str(goal) for goal in of_round)
        assert f"you: {sum(distances[first : first + 3])} on the goals {listed}; your numbers " in said
        best = outcome(rules)
        there = min(sum(score(numbers, goal, rules) for goal in of_round) for numbers in best.best_sets)
        assert f"{float(best.best):.2f} a goal on average, and {there} on your goals" in said
        assert f"your numbers {' '.join(str(number) for number in owned)} can do" in said
    assert "best possible: 5 8 9: 1.25 a goal" in said
    assert "one of 6 sets as good: 0.29 a goal" in said


def test_nearer_sum_is_shown_where_there_is_one_and_only_there(play: Play, goals: list[int]) -> None:
    best = [nearest_summands((3, 5, 9), goal, Rules()) for goal in goals[:3]]
    answers = [" ".join(str(number) for number in numbers) for numbers in best]
    assert "is nearer" not in play(THREE, *answers)
    far = play(THREE, *("3" if 3 not in numbers or len(numbers) > 1 else "9" for numbers in best))
    assert far.count("is nearer") == 3


def test_no_answer_adds_up_nothing(play: Play, goals: list[int]) -> None:
    assert f"Which do you add up? \n0: {goals[0]} away." in play(THREE, "")


def test_same_seed_is_the_same_game_and_another_is_not(play: Play, goals: list[int]) -> None:
    answers = (THREE, "3", "3", "3", SIX, "3", "3", "3")
    assert goals_of(play(*answers)) == goals
    assert goals_of(play(*answers, seed="other")) != goals
    assert all(0 <= goal <= 27 for goal in goals)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("3 5", "these are 2 numbers, not 3\n  hint: own 3 numbers"),
        ("", "these are 0 numbers, not 3\n  hint: own 3 numbers"),
        ("3 5 5", "5 is there twice\n  hint: own each number once"),
        ("359", "'359' is not one of the numbers 0 to 9\n  hint: put spaces between the numbers"),
        ("3 5 -9", "'-9' is not one of the numbers 0 to 9\n  hint: answer with numbers, like 3 5 9"),
        ("three", "'three' is not one of the numbers 0 to 9\n  hint: answer with numbers, like 3 5 9"),
        ("٣ ٥ ٩", "'٣' is not one of the numbers 0 to 9\n  hint: answer with numbers, like 3 5 9"),
        ("\x1b[2J", "'\\x1b[2J' is not one of the numbers 0 to 9\n  hint: answer with numbers, like 3 5 9"),
        ("9" * 5000, "'99999999999999999999' is not one of the numbers 0 to 9\n  hint: put spaces between"),
    ],
)
def test_wrong_numbers_to_own_are_told_and_asked_for_again(play: Play, answer: str, message: str) -> None:
    said = play(answer, THREE)
    assert message in said
    assert "\x1b" not in said
    assert said.count("Which 3 numbers do you own?") == 2
    assert "You own 3 5 9." in said


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("4", "you do not own 4\n  hint: you own 3 5 9"),
        ("3 3", "3 is there twice\n  hint: add up each number once"),
        ("x", "'x' is not one of the numbers 0 to 9\n  hint: answer with numbers"),
    ],
)
def test_wrong_summands_are_told_and_asked_for_again(play: Play, goals: list[int], answer: str, message: str) -> None:
    said = play(THREE, answer, "5 9")
    assert message in said
    assert f"5 + 9 = 14: {abs(goals[0] - 14)} away." in said
    assert goals_of(said) == [goals[0], *goals[:2]]


def test_more_than_three_cannot_be_added_up(play: Play) -> None:
    said = play(THREE, "3", "3", "3", SIX, "0 1 2 3")
    assert "these are 4 numbers\n  hint: add up at most 3" in said


@pytest.mark.parametrize("answers", [(), (THREE,), (THREE, "3", "q"), ("quit",)])
def test_game_that_is_left_ends_with_the_best_numbers_all_the_same(play: Play, answers: tuple[str, ...]) -> None:
    said = play(*answers)
    assert "That is the end of the game." in said
    assert "best possible: 5 8 9: 1.25 a goal on average" in said
    assert ("you: " in said) == (len(answers) == 3)


def test_answers_may_be_piped_in_even_if_they_are_no_text() -> None:
    told = subprocess.run(COMMAND, input=b"\xff\xfe\n3 5 9\n5 9\n", capture_output=True, timeout=300, check=False)
    assert (told.returncode, told.stderr) == (0, b"")
    assert b"Which 3 numbers do you own? 3 5 9\n" in told.stdout  # the answer is shown, as a terminal would
    assert b"5 + 9 = 14" in told.stdout


def test_interrupt_at_a_terminal_ends_the_game_with_its_own_words() -> None:
    controller, terminal = pty.openpty()
    with subprocess.Popen(COMMAND, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.close(terminal)
        os.write(controller, b"3 5 9\n")
        said = b""
        while b"The goal is" not in said:
            said += os.read(process.stdout.fileno(), 4096)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=300)
        os.close(controller)
    assert (process.returncode, err) == (130, b"")
    assert b"That is the end of the game." in rest
    assert b"own? The goal" in said  # the answer is shown by the terminal, not once more by the game
