"""One question or all of a folder: each is answered as it would be alone, and one page links the answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.experiment.packing import Pack
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear

SMALL = """question: Does {} work?
target: sine
inputs: {{train: 16, test: 16}}
models: [{{linear: {{basis: {}}}}}]
widths: [2, 3]
learning_rates: [0.01, 0.1]
steps: 10
seeds: 1
"""
GAME = "question: Does it pay?\nrounds: [{own: 2, add: 2}]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two experiments and a game."""
    monkeypatch.chdir(tmp_path)
    questions = tmp_path / "questions"
    questions.mkdir()
    for basis in ("cosine", "haar"):
        (questions / f"{basis}.yaml").write_text(SMALL.format(basis, basis))
    (questions / "game.yaml").write_text(GAME)
    return questions


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message), err
    assert not Path("runs").exists()


def test_a_folder_is_every_question_in_it_and_one_page_links_the_answers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").write_text("not a question")
    assert main(["run", str(folder), "--out", "answers"]) == 0
    out, err = capsys.readouterr()
    assert re.findall(r"^\d of \d: .*$", err, re.MULTILINE) == ["1 of 3: cosine", "2 of 3: game", "3 of 3: haar"]
    assert err.splitlines()[-1] == "all reports: answers/index.html"
    html = Path("answers/index.html").read_text()
    links = sorted(set(re.findall(r'href="([^"]*)"', html)))
    assert links == [f"{name}/report.html" for name in ("cosine", "game", "haar")]
    assert all(Path("answers", link).exists() for link in links)
    assert html.count("agrees (4 of 4 trials)") == 2
    assert html.count("agrees (1 of 1 round)") == 1
    assert main(["run", str(folder / "haar.yaml")]) == 0
    alone, _ = capsys.readouterr()
    assert alone in out
    assert [path.name[:5] for path in Path("runs").iterdir()] == ["haar-"]


def test_one_question_that_fails_does_not_keep_the_others_from_their_answers_and_is_told_by_the_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import pipeline.training.run

    fit = pipeline.training.run.fit

    def broken(pack: Pack, *arguments: Any, **named: Any) -> int:
        if pack.shape.model == Linear(Cosine()):
            raise RuntimeError("no such luck")
        return fit(pack, *arguments, **named)

    monkeypatch.setattr(pipeline.training.run, "fit", broken)
    assert main(["run", str(folder), "--out", "answers"]) == 1
    assert "4 trials failed: RuntimeError: no such luck" in capsys.readouterr().err
    html = Path("answers/index.html").read_text()
    assert "4 failed" in html
    assert html.count("agrees (4 of 4 trials)") == 1


def test_what_is_wrong_with_the_last_file_is_said_before_the_first_is_trained(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wrong.yaml").write_text(SMALL.format("it", "cosin"))
    refused(capsys, ["run", str(folder)], f"{folder / 'wrong.yaml'}:4: ")


def test_a_folder_without_a_question_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()
    refused(capsys, ["run", str(folder / "empty")], f"{folder / 'empty'}: there is no .yaml file in it")


def test_two_files_of_one_name_would_share_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "haar.yaml").write_text(SMALL.format("it", "haar"))
    refused(capsys, ["run", str(folder), str(folder / "more")], f"{folder / 'haar.yaml'}: two files are called haar")


def test_a_game_cannot_be_planned_or_sent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = folder / "game.yaml"
    for verb in (["plan"], ["submit", "--cluster", "local"]):
        refused(capsys, [*verb, str(game)], f"{game}: asks for a number game, which needs no training")


@pytest.mark.parametrize("verb", [["run"], ["plan"], ["submit", "--cluster", "local"]], ids=" ".join)
def test_a_verb_reads_a_file_once(
    folder: Path, pipe: Callable[[str], Path], capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    path = pipe(SMALL.format("it", "cosine").replace("steps: 10", "steps: 0"))
    refused(capsys, [*verb, str(path)], f"{path}:7: steps must be positive, not 0")


def test_a_game_is_read_once(folder: Path, pipe: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = pipe("question: Why?\nrounds: []\n")
    refused(capsys, ["run", str(path)], f"{path}:2: rounds is empty")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rounds: []", "rounds is empty"),
        ("rounds: [{own: 11}]", "11 of the numbers 0 to 9 cannot be owned"),
        ("rounds: [{}]\ncases: [{numbers: [3, 3], goal: 1}]", "3 is there twice"),
        ("rounds: [{}]\ncases: [{numbers: [3, 12], goal: 1}]", "12 is not one of the numbers 0 to 9"),
        ("rounds: [{}]\ncases: [{numbers: [3], goal: -1}]", "goal -1 is negative"),
    ],
)
def test_impossible_games_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    game = folder / "game.yaml"
    game.write_text(f"question: Why?\n{text}\n")
    assert main(["run", str(game)]) == 2
    assert message in capsys.readouterr().err


def test_more_seeds_are_answered_with_what_is_trained_already(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan says so before, a fresh run trains all, and both say the same of the question."""
    question = folder / "seeds.yaml"
    question.write_text(SMALL.format("it", "cosine").replace("linear: {basis: cosine}", "shallow: {}"))
    assert main(["run", str(question), "--set", "seeds=3"]) == 0
    capsys.readouterr()
    more = [str(question), "--set", "seeds=5"]
    assert main(["plan", *more]) == 0
    said = capsys.readouterr().err
    assert re.search(
        r"^12 of 20 trials are trained already and are taken: 12 in seeds-\w{10}, by one_input on ", said, re.M
    )
    assert "\n8 are left to train\nthat takes less than a minute here" in said
    assert main(["run", *more]) == 0
    out, err = capsys.readouterr()
    assert "12 of 20 trials are trained already" in err
    assert "20/20 trials" in err
    assert main(["run", *more, "--fresh", "--out", "runs/fresh"]) == 0
    fresh, err = capsys.readouterr()
    assert "trained already" not in err
    assert fresh == out
    assert main(["plan", *more]) == 0
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "20 of 20 trials are finished there",
        "nothing is left to train",
    ]
    assert main(["plan", *more, "--reuse", str(folder)]) == 2
    assert "no folder of runs" in capsys.readouterr().err
