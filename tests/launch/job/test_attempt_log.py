"""The note of an attempt says what is trained, and how it ended, while its worker may still be killed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.launch.job.attempt_log import AttemptLog, begin
from pipeline.launch.notes.attempts import Attempt, read_attempts
from pipeline.launch.notes.submission import Submission

SENT = Submission(
    "xor-0a1b2c-1", "soc", (), "slurm", None, (("p1", "p2"),), (1.0,), {}, 30, None, 60.0, 0, False, 0, None,
    "code", 0.0, "12",
)  # fmt: skip


def test_attempts_of_a_worker_are_counted_and_head_its_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIPELINE_JOB_STARTED", "1000")
    environment: Any = SimpleNamespace(global_rank=1, job_id="12")
    first, second = (begin(tmp_path, SENT, 0, environment) for _ in range(2))
    assert (first.number, second.number, first.worker, first.began_at) == (1, 2, 1, 1000.0)
    assert read_attempts(tmp_path) == [first, second]
    said = capsys.readouterr()
    assert said.out == said.err
    assert "=== attempt 2 of 12, worker 1, on " in said.out


def test_the_pack_that_is_trained_is_known_before_its_first_step(tmp_path: Path) -> None:
    attempt_log = AttemptLog(tmp_path, Attempt("xor-0a1b2c-1", 0, 0, 1, "12", 100.0))
    (tmp_path / "checkpoints" / "p2").mkdir(parents=True)
    attempt_log.begin("p1")
    attempt_log.begin("p2")
    assert read_attempts(tmp_path) == [dataclasses.replace(attempt_log.attempt, pack="p2")]
    assert attempt_log.whole == {"p1"}


def test_an_attempt_that_has_ended_says_how(tmp_path: Path) -> None:
    attempt_log = AttemptLog(tmp_path, Attempt("xor-0a1b2c-1", 0, 0, 1, "12", 100.0))
    attempt_log.end("error", "OSError: no space left")
    (attempt,) = read_attempts(tmp_path)
    assert (attempt.end, attempt.error, attempt.failed) == ("error", "OSError: no space left", {})
    assert attempt.ended_at is not None
