"""A profile of this machine agrees with it, and no job is sent where none is wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli.options import Overrides
from pipeline.cli.probing import ProbeOptions, probe


def test_without_a_job_the_scheduler_alone_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert probe(ProbeOptions("local", Overrides(), json=True, no_job=True, patience=1.0)) == 0
    tables = json.loads(capsys.readouterr().out)
    assert tables.keys() == {"scheduler"}
    assert {row["verdict"] for row in tables["scheduler"]} <= {"agrees", "for information"}
    assert list(tmp_path.iterdir()) == []
