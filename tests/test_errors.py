"""A message says in words what the system could not do, names what is near, and stays short."""

import errno
import os

import pytest

from pipeline.errors import MOST_NAMES, ArgumentError, brief, enumerated, nearest, number_of, reason_of


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "No space left on device"),
        (524, "not supported by the file system (error 524)"),
        (528, "the server of the file system is busy (error 528)"),
        (999, "the system has no words for it (error 999)"),
    ],
)
def test_every_number_has_words(number, words):
    assert reason_of(OSError(number, os.strerror(number), "file")) == words


def test_an_error_without_a_number_keeps_its_text():
    assert reason_of(OSError("Not Open")) == "Not Open"


def test_all_names_are_listed_where_they_are_few() -> None:
    assert nearest("hart", ["haar", "hat"]) == "did you mean 'hat'? known: haar, hat"
    assert nearest("zzz", ["haar", "hat"]) == "known: haar, hat"


def test_a_name_in_other_capitals_is_near() -> None:
    assert nearest("ADAM", ["adam", "momentum"]) == "did you mean 'adam'? known: adam, momentum"
    assert nearest("sepal width", ["Petal Width", "Sepal Width"]).startswith("did you mean 'Sepal Width'?")


def test_of_very_many_names_the_nearest_few_are_listed_with_their_number() -> None:
    names = [f"gene_{number:04}" for number in range(MOST_NAMES + 1)] + ["length", "lengths"]
    assert nearest("lenght", names) == f"did you mean 'length'? {len(names)} are known, such as lengths"
    assert (
        nearest("zzz", names)
        == f"{len(names)} are known, such as gene_0000, gene_0001, gene_0002, gene_0003, gene_0004"
    )


def test_a_name_of_any_length_is_shown_by_its_ends() -> None:
    assert brief("x" * 60) == "x" * 60
    assert brief("a" * 100 + "b" * 100) == "a" * 30 + "..." + "b" * 27
    assert len(nearest("x" * 9000, ["x" * 10_000])) < 200


def test_more_names_than_can_be_read_are_counted() -> None:
    assert enumerated(["a", "b"]) == "a, b"
    assert enumerated(list("abcdefg"), 3) == "a, b, c and 4 more"


def test_one_thing_is_and_several_things_are() -> None:
    assert [number_of(number, "trial") for number in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert [number_of(number, "job", "have") for number in (1, 2)] == ["1 job has", "2 jobs have"]
    assert number_of(1, "trial", "are", whole=3) == "1 of 3 trials is"
    assert number_of(1, "trial", "were", whole=1) == "1 of 1 trial was"
    assert number_of(2, "seed", whole=3) == "2 of 3 seeds"


def test_an_argument_is_an_option_of_the_command_line() -> None:
    error = ArgumentError("top", "-1 is no whole number", hint="leave it out")
    assert str(error) == "top: -1 is no whole number\n  hint: leave it out"
    assert str(error.of_option()) == "--top: -1 is no whole number\n  hint: leave it out"


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("gpu", ["auto", "cpu", "cuda"], "cuda"),
        ("SGD", ["adam", "gradient_descent"], "gradient_descent"),
        ("lr", ["learning_rates", "loss"], "learning_rates"),
        ("mse", ["half_mean_square", "brier"], "half_mean_square"),
    ],
)
def test_what_others_call_otherwise_is_understood(typed: str, known: list[str], meant: str) -> None:
    assert nearest(typed, known).startswith(f"did you mean {meant!r}? ")
    assert nearest(typed, ["elsewhere"]) == "known: elsewhere"
