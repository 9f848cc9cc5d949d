"""The verb lecture writes the walk from the runs that are there, again and again, and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.cli.walking import newest_report

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_without_runs_of_the_lecture_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "elsewhere" / "spring" / "another-1").mkdir(parents=True)
    (tmp_path / "elsewhere" / "spring" / "another-1" / "report.html").write_text("")
    there = sorted(tmp_path.rglob("*"))
    assert main(["lecture"]) == 2
    hint = "  hint: make lecture runs its experiments; --without-runs writes a walk that shows none\n"
    assert capsys.readouterr().err == f"runs: there is no such folder\n{hint}"
    assert main(["lecture", "elsewhere/spring"]) == 2
    assert capsys.readouterr().err == f"elsewhere/spring: no experiment of the lecture has run here\n{hint}"
    assert sorted(tmp_path.rglob("*")) == there


@pytest.mark.parametrize(
    ("typed", "meant"), [("elsewhere/sprig", "elsewhere/spring"), ("elsewhere/spring/xor-1", "elsewhere/spring")]
)
def test_a_mistyped_folder_is_refused_with_the_nearest_one_that_has_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    for folder in ("elsewhere/spring/xor-1", "runs/number_game"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "report.html").write_text("")
    (tmp_path / "elsewhere" / "summer").mkdir()
    assert main(["lecture", typed]) == 2
    what = "no experiment of the lecture has run here" if (tmp_path / typed).exists() else "there is no such folder"
    known = "known: elsewhere/spring, runs; --without-runs writes a walk that shows none"
    assert capsys.readouterr().err == f"{typed}: {what}\n  hint: did you mean {meant!r}? {known}\n"


def test_without_runs_every_station_says_how_to_run_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lecture", "--without-runs"]) == 0
    said = capsys.readouterr().err.splitlines()
    number = len(list((ROOT / "configs" / "lecture").glob("*.yaml"))) + 1
    assert said == [
        f"{number} of {number} experiments of the lecture have not run yet; make lecture runs all of them",
        "lecture: runs/lecture.html",
    ]
    page = (tmp_path / "runs" / "lecture.html").read_text()
    commands = re.findall(r"<pre><code>python -m pipeline run (\S+)</code></pre>", page)
    assert len(commands) == number
    assert all((ROOT / path).exists() for path in commands)
    assert main(["lecture", "runs", "--without-runs"]) == 0
    assert (tmp_path / "runs" / "lecture.html").read_text() == page


def test_what_has_run_is_shown_with_its_answer_its_figure_and_its_verdict(tmp_path: Path) -> None:
    """What the experiments of the whole lecture have measured is in ``test_configs.py``."""
    assert main(["run", str(ROOT / "configs" / "lecture" / "number_game.yaml")]) == 0
    others = sorted(path for path in (tmp_path / "runs").rglob("*") if path.is_file())
    assert main(["lecture"]) == 0
    page = (tmp_path / "runs" / "lecture.html").read_text()
    assert 'href="number_game/report.html"' in page
    assert "Of goals up to 27 the best 3 numbers miss one by 1.25 in the mean" in page
    assert 'Theory, on scores: <b class="agrees">agrees (4 of 4 rounds)</b>' in page
    assert '<svg class="marks" role="img" aria-label="Expected score against how many numbers are owned"' in page
    written = {path for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    assert written - set(others) == {tmp_path / "runs" / name for name in ("lecture.html", "playground.html")}


def test_the_newest_run_is_shown_and_a_run_without_a_report_is_none(tmp_path: Path) -> None:
    assert newest_report(tmp_path, "xor") is None
    for name in ("xor-old", "xor-new", "xor-unfinished", "xor_two-newer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.json").write_text("")
        if name != "xor-unfinished":
            (tmp_path / name / "report.html").write_text("")
    for seconds, name in enumerate(("xor-old", "xor-new", "xor-unfinished", "xor_two-newer")):
        os.utime(tmp_path / name / "plan.json", (seconds, seconds))
    assert newest_report(tmp_path, "xor") == tmp_path / "xor-new" / "report.html"


def test_a_damaged_run_is_said_to_be_one_and_the_rest_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "runs" / "xor-1"
    run.mkdir(parents=True)
    (run / "report.html").write_text("")
    (run / "plan.json").write_text("{")
    assert main(["lecture"]) == 0
    assert "runs/xor-1 cannot be read: " in capsys.readouterr().err
    page = (tmp_path / "runs" / "lecture.html").read_text()
    assert page.count("Its run cannot be read: ") == 1
    assert page.count("Not run yet. This runs it:") > 10
