"""``check`` prints one line for each claim of each definition, and fails if one fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.cli import main

MINE = '''from dataclasses import dataclass
from typing import ClassVar, final
import numpy as np
from pipeline.problems.targets import Target

@final
@dataclass(frozen=True)
class Tent(Target):
    """A tent."""

    smoothness: ClassVar[float] = 1.5

    def __call__(self, inputs_PD):
        return np.maximum(1 - 2 * np.abs(inputs_PD[:, 0]), 0)

    def breaks(self):
        return BREAKS
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(MINE.replace("BREAKS", "(-0.5, 0.0, 0.5)"))
    return path


def test_every_claim_is_a_line_and_all_hold(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "mine.py"]) == 0
    out, err = capsys.readouterr()
    head, *lines = out.splitlines()
    assert head == "target tent"
    assert {line[:15].strip() for line in lines} == {"holds", "not claimed"}
    assert len(lines) == 11
    assert err == "definitions: 1; claims that hold: 6, that fail: 0\n"


def test_a_claim_that_fails_says_what_contradicts_it_and_is_told_by_the_exit_code(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.write_text(MINE.replace("BREAKS", "()"))
    assert main(["check", "mine.py"]) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^  fails        breaks: they lie inside \(-1, 1\), and .*: there are none$", out, re.MULTILINE)
    assert err.endswith("that fail: 1\n")


def test_an_error_in_the_code_is_a_line_with_its_place(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine.write_text(MINE.replace("BREAKS", "1 / 0"))
    assert main(["check", "mine.py"]) == 1
    out, _ = capsys.readouterr()
    assert re.search(r"breaks: .*: mine.py:17: ZeroDivisionError: division by zero$", out, re.MULTILINE)


def test_fields_without_a_default_cannot_be_checked(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine.write_text(MINE.replace("BREAKS", "()").replace("    smoothness", "    height: float\n    smoothness"))
    assert main(["check", "mine.py"]) == 1
    assert capsys.readouterr().out == "target tent\n  fails        every field has a default: height has none\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mime.py", "mime.py: there is no such file\n  hint: did you mean 'mine.py'?"),
        ("mine", "no installed package has"),
    ],
)
def test_what_is_not_there_is_named(mine: Path, capsys: pytest.CaptureFixture[str], name: str, message: str) -> None:
    assert main(["check", name]) == 2
    out, err = capsys.readouterr()
    assert (out, err[: len(message)]) == ("", message)
