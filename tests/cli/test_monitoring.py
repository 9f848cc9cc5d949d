"""How a sweep stands is one bar, and its errors are told with the end of their newest log."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from pipeline.cli.monitoring import _bar, _last_lines, _nothing, _print_logs, _print_status
from pipeline.launch.state.status import Status


def test_the_bar_has_a_mark_for_each_share_of_the_trials() -> None:
    bar = _bar({"done": 10, "running": 5, "lost": 5}, width=8)
    assert bar == "[████▒▒??] 10 of 20 trials: 10 done, 5 running, 5 lost"
    assert _bar({"not sent": 4}, width=8).startswith("[········] 0 of 4 trials")


@pytest.mark.parametrize(
    ("unknown", "lost", "said"),
    [
        ("squeue is down", 0, "no error is known so far"),
        ("", 3, "no error was left behind"),
        ("", 0, "nothing has gone wrong"),
    ],
)
def test_no_known_error_is_not_said_to_be_none(unknown: str, lost: int, said: str) -> None:
    stands: Any = SimpleNamespace(unknown=unknown, trials={"lost": lost} if lost else {})
    assert _nothing(stands) == said


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ({"done": 3, "diverged": 1}, "the answer: python -m pipeline report 'my run'\n"),
        ({"done": 3, "running": 1}, "the answer so far: python -m pipeline report 'my run'\n"),
        ({"running": 4}, ""),
    ],
)
def test_it_is_said_how_to_see_what_the_trials_that_have_ended_answer(
    trials: dict[str, int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _print_status(Path("my run"), Status(trials, pl.DataFrame(), [], None, ""))
    assert capsys.readouterr().err == said


def test_of_a_log_the_last_lines_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "12_0_log.err"
    log.write_text("\n".join(map(str, range(100))))
    incident: Any = SimpleNamespace(log=log, attempt=None)
    assert _last_lines(incident).splitlines()[:2] == [f"==> {log} <==", "85"]
    _print_logs([log], json=False)
    assert capsys.readouterr().out.startswith(f"==> {log} <==\n0\n1\n")
