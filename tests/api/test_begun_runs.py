"""A folder holds one experiment, and training in it again trains what is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.api.begun_runs import begun_plan, train
from pipeline.config import read_experiment
from pipeline.errors import PipelineError
from pipeline.plans import Plan, make_plan, write_plan
from pipeline.reuse.request import Reuse
from pipeline.training.progress import TrainingProgress

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"
FEW = ("seeds=2", "steps=10")


def planned(*overrides: str) -> Plan:
    return make_plan("xor", read_experiment(XOR, (*FEW, *overrides)))


def test_a_folder_holds_one_experiment_which_may_be_run_otherwise(tmp_path: Path) -> None:
    first = planned()
    assert begun_plan(first, tmp_path) == (first, False)
    write_plan(first, tmp_path)
    plan, begun = begun_plan(planned("checkpoint_seconds=5"), tmp_path)
    assert begun
    assert plan.experiment.checkpoint_seconds == 5
    differs = "holds the run of another experiment, which differs in "
    with pytest.raises(PipelineError, match=rf"{differs}learning_rates\n  hint: give another --out; a field that is"):
        begun_plan(planned("learning_rates=[0.5]"), tmp_path)


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


def test_what_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    said: list[Plan] = []
    plan = planned("models=[shallow]", "learning_rates=[0.1]", "widths=[2]")
    _, counts = train(plan, tmp_path, lambda plan, folder: said.append(plan), TrainingProgress)
    assert counts is not None
    assert counts.done == plan.num_trials
    assert train(plan, tmp_path, lambda plan, folder: said.append(plan), pytest.fail)[1] is None
    assert len(said) == 2


def test_what_was_trained_otherwise_than_is_asked_now_is_told_of_and_stays(tmp_path: Path) -> None:
    few = ("models=[shallow]", "learning_rates=[0.1]", "widths=[2]")
    train(planned(*few), tmp_path, lambda plan, folder: None, TrainingProgress)

    def told(*overrides: str, fresh: bool = False) -> list[str]:
        said: list[str] = []
        asked = planned(*few, *overrides)
        _, counts = train(asked, tmp_path, lambda plan, folder: None, pytest.fail, Reuse(fresh), said.append)
        assert counts is None
        return said

    stay = "and stay: --fresh with another --out trains them again"
    assert told() == told("checkpoint_seconds=5") == []
    assert told("engine=reference") == [
        f"2 of 2 trials are finished here, trained by the engine fused, and reference is asked for, {stay}"
    ]
    assert told(fresh=True) == [f"2 of 2 trials are finished here, trained before, {stay}"]
