"""A long export says how far it is, now and then, and how long it will take; on a terminal a bar does."""

from __future__ import annotations

import re
import sys
from io import StringIO
from types import SimpleNamespace

import pytest

from pipeline.tracking.export import export_progress
from pipeline.tracking.export.export_progress import ExportProgress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which passes only where a test says so."""
    now = [0.0]
    monkeypatch.setattr(export_progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_line_now_and_then_and_none_when_all_is_done(now: list[float]) -> None:
    said: list[str] = []
    with ExportProgress("runs", 4, said.append) as progress:
        progress.advance()
        assert said == []  # too soon
        for _ in range(3):
            now[0] += 3 * export_progress.SECONDS_BETWEEN_LINES
            progress.advance()
    assert len(said) == 2
    assert said[0].startswith("2/4 runs, ")
    assert said[1].startswith("3/4 runs, ")


def test_what_is_left_takes_as_long_for_each_run_as_those_before(now: list[float]) -> None:
    said: list[str] = []
    progress = ExportProgress("runs", 100, said.append)
    now[0] = 60.0
    progress.advance(25)
    assert said == ["25/100 runs, 3 min 0 s left"]


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_on_a_terminal_a_bar_stands_below_what_is_said_and_is_gone_in_the_end(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    terminal, said = Terminal(), list[str]()
    monkeypatch.setattr(sys, "stderr", terminal)
    for name, value in {"TERM": kind, "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with ExportProgress("runs [x]", 4, said.append) as progress:
        progress.said -= 2 * export_progress.SECONDS_BETWEEN_LINES
        progress.advance(2)
        print("W&B is late", file=sys.stderr)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "W&B is late" in shown
    assert ("2/4 runs [x], " in shown) == (kind == "xterm")
    assert ("2/4 runs [x], " in "".join(said)) == (kind == "dumb")
    assert sys.stderr is terminal
    if kind == "xterm":
        assert terminal.getvalue().endswith("\x1b[2K")  # the line of the bar, erased
