"""A page is weighed and opened in the browser of the machine; one that shows nothing is no measurement."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.bench import browser_turns, page_openings
from pipeline.bench.page_openings import DRAWN, SHORT, SIZES, measure_pages, opening_seconds, row
from pipeline.bench.sweep import CONFIG, FinishedCommand
from pipeline.config import read_experiment
from pipeline.errors import PipelineError
from pipeline.plans import make_plan


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A browser that shows a file as it is, and takes a fifth of a second where there is a map in it."""
    path = tmp_path / "programs" / "browser-of-the-test"
    path.parent.mkdir()
    path.write_text(
        '#!/bin/sh\nfor last; do :; done\nfile="${last#file://}"\ngrep -q grid "$file" && sleep 0.2\ncat "$file"\n'
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/usr/bin:/bin")
    monkeypatch.setattr(browser_turns, "BROWSERS", (path.name,))
    monkeypatch.setattr(page_openings, "ROUNDS", 1)
    return path


@pytest.mark.parametrize("trials", [80, 1_750])
def test_a_size_is_the_number_of_trials_that_its_changes_make(trials: int) -> None:
    assert len(make_plan("page", read_experiment(CONFIG, (*SHORT, *SIZES[trials]))).trials) == trials


def test_a_run_of_each_size_is_trained_and_its_page_opened(browser: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(arguments: list[str]) -> FinishedCommand:
        folder = Path(arguments[arguments.index("--out") + 1])
        folder.mkdir()
        (folder / "report.html").write_text(f"<div {DRAWN}>{'x' * 2_000_000}")
        asked.append(arguments[-1])
        return FinishedCommand(1.0, 1)

    monkeypatch.setattr(page_openings, "finished_command", run)
    said: list[str] = []
    (only,) = measure_pages({3_000: ("seeds=3",)}, say=said.append).rows(named=True)
    assert (asked, said) == (["seeds=3"], ["the page of 3,000 trials"])
    assert only["page, MB"] == pytest.approx(2.0, rel=1e-3)
    assert 0.1 < only["to open, s"] < 100  # in seconds, on however busy a machine


def test_a_page_without_its_map_is_told(browser: Path, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("nothing")
    with pytest.raises(PipelineError, match=r"^the browser has not drawn the map of report\.html"):
        opening_seconds(tmp_path / "report.html")


@pytest.mark.parametrize(("size", "seconds", "told"), [(7e6, 2.9, "yes"), (9e6, 1.0, "no"), (1e6, 3.1, "no")])
def test_a_page_meets_the_goal_where_it_is_small_and_soon_open(size: float, seconds: float, told: str) -> None:
    assert row(1, int(size), seconds)["under 8 MB and 3 s"] == told
