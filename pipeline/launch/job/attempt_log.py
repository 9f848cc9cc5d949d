"""The attempt log of a worker: the note of its attempt, kept up to date while it trains."""

from __future__ import annotations

import dataclasses
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.launch.job.signals import began_at
from pipeline.launch.notes.attempts import Attempt, heading, next_number, write_attempt
from pipeline.launch.notes.submission import Submission
from pipeline.records.store import read_outcomes


def begin(run: Path, sent: Submission, index: int, environment: Any) -> Attempt:
    """Write down that an attempt has begun, in its note and in the logs.

    Args:
        run: Folder of the run.
        sent: The submission.
        index: Task of its array.
        environment: submitit's ``JobEnvironment``.

    Returns:
        The attempt.
    """
    worker = environment.global_rank
    number = next_number(run, sent.name, index, worker)
    attempt = Attempt(sent.name, index, worker, number, environment.job_id, began_at())
    write_attempt(run, attempt)
    for stream in (sys.stdout, sys.stderr) if sent.scheduler != "debug" else ():  # which has no logs
        print(heading(attempt), file=stream, flush=True)
    return attempt


@dataclass
class AttemptLog:
    """Keeps the note of an attempt up to date."""

    run: Path
    attempt: Attempt
    begun: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    """Packs that were trained from their first step, so that the time of this attempt is all they took."""

    def begin(self, pack: str) -> None:
        """Write down which pack is trained now, for whoever asks why a worker was killed."""
        self.begun.add(pack)
        if not (self.run / "checkpoints" / pack).exists():
            self.whole.add(pack)
        self.note(pack=pack)

    def note(self, **changes: Any) -> None:
        """Write down what has changed."""
        self.attempt = dataclasses.replace(self.attempt, **changes)
        write_attempt(self.run, self.attempt)

    def end(self, end: str, error: str = "") -> None:
        """Write down how the attempt has ended, and which packs an exception stopped in it."""
        of_attempt = pl.col("pack").is_in(list(self.begun)) & (pl.col("job") == self.attempt.job)
        now = of_attempt & (pl.col("attempt") == self.attempt.number) & (pl.col("status") == "failed")
        rows = read_outcomes(self.run).filter(now)
        failed = dict(rows.unique("pack", maintain_order=True).select("pack", "reason").iter_rows())
        self.note(ended_at=time.time(), end=end, error=error, failed=failed)
