"""What squeue lists is what SLURM holds, and what it does not say is not concluded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.launch.commands import SilenceError
from pipeline.launch.schedulers.slurm import SlurmScheduler

QUEUE = "4711_0|PENDING|xor-0a1b2c-1|None\n4711_1|PENDING|xor-0a1b2c-1|None"


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A squeue first on PATH, still to be written."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = tmp_path / "squeue"
    path.touch(mode=0o755)
    return path


def test_jobs_in_hidden_partitions_are_seen(squeue: Path, tmp_path: Path) -> None:
    squeue.write_text(f"#!/bin/sh\ncase \"$*\" in *--all*) echo '{QUEUE}'; echo '4712|REVOKED|x-1|None';; esac\n")
    assert {task.id for task in SlurmScheduler().tasks({"4711": tmp_path, "4712": tmp_path})} == {"4711_0", "4711_1"}


def test_a_job_that_was_suspended_waits_and_one_that_is_completing_is_ending(squeue: Path, tmp_path: Path) -> None:
    rows = "1|SUSPENDED|a|None\n2|COMPLETING|b|None\n3|PENDING|c|Priority"
    squeue.write_text(f"#!/bin/sh\necho 'JOBID|STATE|NAME|REASON'; echo '{rows}'\n")
    stopped, ending, waiting = SlurmScheduler().tasks(dict.fromkeys("123", tmp_path))
    assert (stopped.state, stopped.reason) == ("pending", "suspended")
    assert (ending.state, ending.ending) == ("running", True)
    assert (waiting.state, waiting.reason, waiting.ending) == ("pending", "Priority", False)


def test_a_list_that_was_cut_off_ends_no_job(squeue: Path, tmp_path: Path) -> None:
    squeue.write_text(f"#!/bin/sh\necho '{QUEUE}'; echo '4712|PENDING'\n")
    with pytest.raises(SilenceError, match=r"^SLURM could not be asked: squeue printed '4712\|PENDING'\n  hint: "):
        SlurmScheduler().tasks({"4711": tmp_path})
