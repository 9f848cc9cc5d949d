"""A profile is changed only where there is a cluster, and a folder holds one experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.experiments import announce, begun_plan, plan_of
from pipeline.cli.options import Overrides
from pipeline.config import read_document
from pipeline.errors import PipelineError
from pipeline.plan import write_plan

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"
FEW = ("seeds=2", "steps=10")


def planned(*overrides: str) -> Any:
    return plan_of(read_document(XOR), Overrides((*FEW, *overrides)), on_cluster=False)


def test_a_profile_is_changed_only_where_there_is_a_cluster() -> None:
    with pytest.raises(PipelineError, match=r"^--set cluster\.queue=long: nothing is sent to a cluster here\n  hint: "):
        planned("cluster.queue=long")


def test_a_folder_holds_one_experiment_which_may_be_run_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = planned()
    assert begun_plan(first, tmp_path) == (first, False)
    write_plan(first, tmp_path)
    plan, begun = begun_plan(planned("checkpoint_seconds=5"), tmp_path)
    assert begun
    assert plan.experiment.checkpoint_seconds == 5
    with pytest.raises(PipelineError, match=r"holds the run of another experiment\n  hint: give another --out"):
        begun_plan(planned("learning_rates=[0.5]"), tmp_path)
    announce(first, tmp_path)
    assert f"trials in {len(first.packs)} pack" in capsys.readouterr().err
