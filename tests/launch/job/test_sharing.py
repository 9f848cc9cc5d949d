"""Each worker of a job has its share of the packs and GPUs, and finds those with which it trains."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from submitit import JobEnvironment

from pipeline.launch.job.sharing import (
    LEAST_SECONDS_TO_HELP,
    in_turn,
    pack_to_help_with,
    packs_of,
    rendezvous_of,
    share_gpus,
)
from pipeline.launch.notes.attempts import DEADLINE, Attempt, write_attempt
from pipeline.launch.notes.submission import Submission
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import write_outcomes
from pipeline.training.process_group import VARIABLES
from pipeline.training.rendezvous import Rendezvous


def test_workers_of_several_nodes_look_for_the_first_host_that_slurm_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning 2.6.6 takes ``rack0`` for it."""
    from lightning.fabric.plugins.environments import TorchElasticEnvironment

    of_slurm = {"JOB_ID": "4711", "NTASKS": "8", "JOB_NUM_NODES": "8", "PROCID": "5", "LOCALID": "0", "NODEID": "5"}
    for name, value in of_slurm.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURM_JOB_NODELIST", "rack[0-1]node[0-3]")
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("PIPELINE_JOB_STARTED", "1000")
    for name in (*VARIABLES, "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("MASTER_PORT")
    environment = JobEnvironment()
    share_gpus(environment, together=True)
    assert TorchElasticEnvironment().main_address == "rack0node0"
    assert (os.environ["RANK"], os.environ["WORLD_SIZE"]) == ("5", "8")
    sent = Submission(
        "xor-0a1b2c-1", "somewhere", (), "slurm", None, (("p1",),), (1.0,), {}, 30, None, 60.0, 0, False, 0, None,
        "code", 0.0, "4711",
    )  # fmt: skip
    rendezvous = rendezvous_of(sent, 0, tmp_path, environment)
    assert rendezvous == Rendezvous(tmp_path / "jobs" / "xor-0a1b2c-1" / "0.meeting", "4711 1000", "rack0node0")


def test_each_worker_begins_with_its_own_share_and_goes_on_with_those_of_others() -> None:
    packs = ["p0", "p1", "p2", "p3", "p4"]
    assert in_turn(packs, 0, 2) == ["p0", "p2", "p4", "p1", "p3"]
    assert in_turn(packs, 1, 2) == ["p1", "p3", "p0", "p2", "p4"]
    assert in_turn(packs, 0, 1) == packs


@pytest.mark.parametrize(("visible", "seen"), [("3,5", "5"), ("3", "3"), ("", "")])
def test_each_worker_of_a_node_sees_its_own_gpu_where_there_are_enough(
    visible: str, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    share_gpus(SimpleNamespace(num_tasks=2, num_nodes=1, local_rank=1), together=False)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen


def test_job_that_is_done_helps_with_the_longest_pack_that_nobody_has_begun(tmp_path: Path) -> None:
    costs = {"own": 900.0, "begun": 800.0, "ended": 700.0, "long": 600.0, "next": 500.0, "last": 400.0}
    costs["short"] = LEAST_SECONDS_TO_HELP / 2
    sent = Submission(
        "xor-0a1b2c-1", "somewhere", (), "slurm", None,
        (("own",), ("begun", "ended", "last"), ("next", "long", "short")),
        (1.0,) * 3, costs, 30, None, 60.0, 0, False, 0, None, "code", 0.0, "12",
    )  # fmt: skip
    write_attempt(tmp_path, Attempt(sent.name, 1, 0, 1, "12_1", 1.0, pack="begun"))
    failed = {"trial": "t", "status": "failed", "pack": "ended"}  # it would fail here, too
    write_outcomes(tmp_path, "ended", pl.DataFrame([{name: failed.get(name) for name in OUTCOMES}]))

    (tmp_path / "jobs" / sent.name / "9-0-1.attempt").write_text("{")  # damaged: no reason to end in error

    def helped(seconds: float, *tried: str) -> str | None:
        return pack_to_help_with(tmp_path, sent, 0, seconds, tried)

    assert helped(1000.0) == "long"
    assert helped(1000.0, "long") == "next"
    assert helped(450.0) == "last"
    assert helped(1000.0, "long", "next", "last") is None
    assert helped(30.0) is None


def test_pack_that_ran_out_of_time_goes_on_in_whatever_job_has_time_and_belongs_to_the_one_that_held_it_last(
    tmp_path: Path,
) -> None:
    costs = dict.fromkeys(("a", "b", "c"), 100.0)
    sent = Submission(
        "xor-0a1b2c-1", "somewhere", (), "slurm", None, (("a",), ("b",), ("c",)), (1.0,) * 3, costs, 30, None, 60.0,
        0, False, 0, None, "code", 0.0, "12",
    )  # fmt: skip
    cut = Attempt(sent.name, 1, 0, 1, "12_1", 1.0, pack="c", ended_at=9.0, end=DEADLINE)
    killed = Attempt(sent.name, 1, 1, 1, "12_1", 2.0, pack="b")
    for attempt in (cut, killed):
        write_attempt(tmp_path, attempt)
    assert [packs_of(tmp_path, sent, index) for index in range(3)] == [["a"], ["b", "c"], ["c"]]
    assert pack_to_help_with(tmp_path, sent, 0, 1000.0, ()) == "c"
    write_attempt(tmp_path, Attempt(sent.name, 0, 0, 1, "12_0", 10.0, pack="c"))
    assert [packs_of(tmp_path, sent, index) for index in range(3)] == [["a"], ["b"], ["c"]]
    assert pack_to_help_with(tmp_path, sent, 0, 1000.0, ()) is None
