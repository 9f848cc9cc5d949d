"""A profile is changed only where there is a cluster, and a folder holds one experiment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.experiments import announce, begun_plan, plan_of
from pipeline.cli.options import Overrides
from pipeline.config import read_document
from pipeline.errors import PipelineError
from pipeline.plans import make_plan, write_plan

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
    differs = "holds the run of another experiment, which differs in "
    with pytest.raises(PipelineError, match=rf"{differs}learning_rates\n  hint: give another --out; a field that is"):
        begun_plan(planned("learning_rates=[0.5]"), tmp_path)
    announce(first, tmp_path)
    assert f"trials in {len(first.packs)} pack" in capsys.readouterr().err


def test_what_differs_from_a_run_of_an_older_version_is_named_by_its_place(tmp_path: Path) -> None:
    """Its sharpness was not recorded at the ends; of many fields the first are named."""
    now = planned().experiment
    before = replace(now, diagnostics=tuple(kind for kind in now.diagnostics if kind.name() != "sharpness"))
    write_plan(make_plan("xor", before), tmp_path)
    with pytest.raises(PipelineError, match=r"differs in diagnostics\n"):
        begun_plan(planned(), tmp_path)
    many = ("inputs.seed=1", "record_at=[9]", "widths=[3]", "dtype=float64", "optimizer=adam", "batch_size=2")
    named = r"differs in widths, inputs\.seed, optimizer, batch_size, dtype and 2 more\n"
    with pytest.raises(PipelineError, match=named):
        begun_plan(planned(*many), tmp_path)


def test_an_optimizer_and_a_list_of_it_alone_are_one_experiment(tmp_path: Path) -> None:
    write_plan(planned(), tmp_path)
    plan, begun = begun_plan(planned("optimizer=[gradient_descent]"), tmp_path)
    assert begun
    assert [pack.id for pack in plan.packs] == [pack.id for pack in planned().packs]
