"""A plan is printed, for this machine or a cluster, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.cli.options import Overrides
from pipeline.cli.planning import PlanOptions, plan

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"


def test_a_plan_says_what_would_be_trained_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert plan(PlanOptions(XOR, Overrides(("seeds=2",)), None, None, json=True)) == 0
    said = capsys.readouterr()
    assert sum(row["trials"] for row in json.loads(said.out)) % 2 == 0
    assert plan(PlanOptions(XOR, Overrides(("seeds=2",)), None, None, json=False)) == 0
    said = capsys.readouterr()
    assert "python -m pipeline run trains them into runs/xor-" in said.err
    assert "how much time" not in said.err
    assert plan(PlanOptions(XOR, Overrides(("seeds=2", "steps=1e9")), None, None, json=False)) == 0
    assert "plan --cluster local measures how much time and memory that takes here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
