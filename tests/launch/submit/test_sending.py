"""What a scheduler refuses is told in its words, with what can be done about it."""

import dataclasses
import os

import pytest

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.launch import commands
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier
from pipeline.launch.notes.submission import read_submissions
from pipeline.launch.schedulers import waiting
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions
from pipeline.launch.submit.sending import UNKNOWN, send

CLUSTER = Cluster(
    "somewhere", Profile("A cluster.", "slurm", "runs", gpus=0, memory_gib=8.0, bands=(WalltimeTier(1.0),))
)
MENDS = "change what it complains about with --set cluster.NAME=VALUE"
WAITS = "its server may be down; try the same command again later"


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """Sends a pack where sbatch fails with some words."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")

    def send_one(words):
        for name, text in {"srun": "", "squeue": "", "sbatch": f"echo 'sbatch: error: {words}' >&2; exit 1"}.items():
            (binaries / name).write_text(f"#!/bin/sh\n{text}\n")
            (binaries / name).chmod(0o755)
        sent = plan_submissions(SubmissionRequest(CLUSTER, {"p1": 60.0}, {}), "code", "xor-0a1b2c-1")
        with pytest.raises(PipelineError, match=r"^somewhere refused the jobs: ") as refusal:
            list(send(tmp_path / "run", sent, CLUSTER, Parallel(), print))
        assert read_submissions(tmp_path / "run") == []
        return refusal.value

    return send_one


@pytest.mark.parametrize(
    "words, hint",
    [
        ("Batch job submission failed: Invalid qos specification", MENDS),
        ("Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)", MENDS),
        ("Batch job submission failed: Unable to contact slurm controller (connect failure)", WAITS),
        ("Batch job submission failed: Socket timed out on send/recv operation", WAITS),
        ("Batch job submission failed: Zero Bytes were transmitted or received", WAITS),
        ("Batch job submission failed: Slurm backup controller in standby mode", WAITS),
    ],
)
def test_who_is_refused_by_a_server_that_is_down_is_not_told_to_change_the_job(refused, words, hint):
    told = refused(words)
    assert told.what == f"somewhere refused the jobs: {words}"
    assert told.hint == hint


def test_server_that_hangs_is_waited_for_once_and_that_is_said(tmp_path, monkeypatch):
    """Whether the job has arrived is asked by the next submit; to ask it now would take as long again."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name in ("qsub", "qstat", "qselect"):
        (binaries / name).write_text(f"#!/bin/sh\necho {name} >>{tmp_path}/calls\nexec sleep 60\n")
        (binaries / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")
    (tmp_path / "calls").touch()
    monkeypatch.setattr(commands, "SECONDS_TO_ANSWER", 0.5)
    monkeypatch.setattr(waiting, "SECONDS_UNTIL_ANNOUNCED", 0.1)
    there = dataclasses.replace(CLUSTER, profile=dataclasses.replace(CLUSTER.profile, scheduler="pbs"))
    sent, said = plan_submissions(SubmissionRequest(there, {"p1": 60.0}, {}), "code", "xor-0a1b2c-1"), []
    with pytest.raises(
        PipelineError, match=r"^somewhere has not taken the jobs: qsub has not answered for "
    ) as refusal:
        list(send(tmp_path / "run", sent, there, Parallel(), said.append))
    assert refusal.value.hint == UNKNOWN
    assert (tmp_path / "calls").read_text() in ("qsub\n", "")  # on a busy machine it may not get so far
    assert said[0] == "waiting for somewhere to take xor-0a1b2c-1 (0.1 s so far)"
    assert [(note.name, note.job) for note in read_submissions(tmp_path / "run")] == [("xor-0a1b2c-1", None)]
