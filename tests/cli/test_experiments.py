"""A profile is changed only where there is a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.experiments import announce, plan_of
from pipeline.cli.options import Overrides
from pipeline.config import read_document
from pipeline.errors import PipelineError

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"
FEW = ("seeds=2", "steps=10")


def planned(*overrides: str) -> Any:
    return plan_of(read_document(XOR), Overrides((*FEW, *overrides)), on_cluster=False)


def test_a_profile_is_changed_only_where_there_is_a_cluster() -> None:
    with pytest.raises(PipelineError, match=r"^--set cluster\.queue=long: nothing is sent to a cluster here\n  hint: "):
        planned("cluster.queue=long")


def test_what_is_trained_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = planned()
    announce(first, tmp_path)
    assert f"trials in {len(first.packs)} pack" in capsys.readouterr().err
