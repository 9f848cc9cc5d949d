"""What the jobs of the tests do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import submitit


def add(one: int, other: int) -> int:
    print("adding")
    return one + other


def fail(word: str) -> None:
    raise RuntimeError(word)


def add_or_fail(number: int) -> int:
    if number == 1:
        fail("one is bad")
    return number + 10


def sleep(seconds: float = 60.0) -> None:
    time.sleep(seconds)


def wait_until_there(path: Path) -> None:
    while not path.exists():
        time.sleep(0.05)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exit_with(code: int) -> None:
    raise SystemExit(code)


def describe() -> dict[str, Any]:
    """Where and as what this runs."""
    job = submitit.JobEnvironment()
    return {
        "job_id": job.job_id,
        "raw_job_id": job.raw_job_id,
        "cluster": job.cluster,
        "hostnames": job.hostnames,
        "rank": (job.global_rank, job.local_rank, job.num_tasks, job.node, job.num_nodes),
        "cwd": str(Path.cwd()),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "word": os.environ.get("WORD"),
        "leaked": os.environ.get("LEAK"),
        "left": float(os.environ["SUBMITIT_PBS_END"]) - time.time(),
    }


class Counting:
    """Counts tenths of a second, and goes on from where it was; notes how far it was told to leave its state."""

    def __init__(self, started: Path) -> None:
        self.started = started
        self.count = 0

    def __call__(self, start: int = 0) -> int:
        self.count = start
        self.started.touch()
        for _ in range(600):
            time.sleep(0.1)
            self.count += 1
        return self.count

    def checkpoint(self, start: int = 0) -> submitit.helpers.DelayedSubmission:
        self.started.write_text(f"{self.count}")
        time.sleep(1)  # so long that a second signal comes in between
        return submitit.helpers.DelayedSubmission(self, self.count)
