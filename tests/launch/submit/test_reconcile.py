"""One submit of a run is at work at a time, and completes what a killed one has left."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.notes.submission import Submission, read_submissions, write_submission
from pipeline.launch.submit.reconcile import reconcile, submit_lock


def answering(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def flock(file: object, operation: int) -> None:
        raise OSError(number, "what the C library says")

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("number", [errno.ENOSYS, 524])
def test_where_there_are_no_locks_jobs_are_sent_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    answering(monkeypatch, number)
    told: list[str] = []
    with submit_lock(tmp_path, told.append):
        pass
    assert told == [f"the file system of {tmp_path / 'jobs'} has no locks: start nothing twice in this run"]


def test_nothing_is_sent_where_it_cannot_be_known_whether_somebody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, errno.EIO)
    message = re.escape(f"{tmp_path / 'jobs' / '.lock'}: cannot be locked: what the c library says\n  hint: ")
    with pytest.raises(PipelineError, match=f"^{message}"), submit_lock(tmp_path, print):
        pass


SENT = Submission(
    "xor-0a1b2c-1", "soc", (), "slurm", None, (("p1",), ("p2",)), (1.0, 1.0), {}, 30, None, 60.0, 0, False, 0, None,
    "code", 0.0,
)  # fmt: skip


def squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, rows: str) -> None:
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (folder / "squeue").write_text(f"#!/bin/sh\necho 'JOBID|STATE|NAME|REASON'\necho '{rows}'\n")
    (folder / "squeue").chmod(0o755)


def test_jobs_that_a_killed_submit_has_sent_get_what_they_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    squeue(tmp_path, monkeypatch, "4711_0|PENDING|xor-0a1b2c-1|Priority")
    write_submission(tmp_path, SENT)
    (tmp_path / "jobs" / SENT.name).mkdir()
    said: list[str] = []
    reconcile(tmp_path, said.append)
    (noted,) = read_submissions(tmp_path)
    assert noted.job == "4711"
    assert said == ["a submit was interrupted after it had sent xor-0a1b2c-1: it is job 4711"]
    pickles = [tmp_path / "jobs" / SENT.name / f"4711_{index}_submitted.pkl" for index in range(2)]
    assert all(b"pipeline.launch.worker" in path.read_bytes() for path in pickles)  # where jobs of any version have it


def test_a_note_whose_jobs_never_appeared_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue(tmp_path, monkeypatch, "4712|PENDING|other-0a1b2c-1|Priority")
    write_submission(tmp_path, SENT)
    reconcile(tmp_path, print)
    assert read_submissions(tmp_path) == []
