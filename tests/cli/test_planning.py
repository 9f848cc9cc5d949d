"""A plan is printed, for this machine or a cluster, and nothing is written."""

from __future__ import annotations

import json
import re
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
    told = json.loads(said.out)
    assert sum(shape["trials"] for shape in told["shapes"]) == told["trials"] == told["left_trials"]
    assert told["estimate"]["most_s"] < 60
    assert plan(PlanOptions(XOR, Overrides(("seeds=2",)), None, None, json=False)) == 0
    said = capsys.readouterr()
    assert "python -m pipeline run trains them into runs/xor-" in said.err
    assert "that takes less than a minute here, with 0." in said.err
    long = Overrides(("seeds=2", "steps=1e9"))
    assert plan(PlanOptions(XOR, long, None, None, json=False, quick=True)) == 0
    assert re.search(r"^that takes \d+ .* to .* h .* here, with 0\.\d GiB", capsys.readouterr().err, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []
