"""Attempts: each worker writes down when it begins, what it trains, and how it ends.

One file an attempt, ``jobs/<submission>/<task>-<worker>-<attempt>.attempt``. One that
has begun and not ended belongs to a worker that runs, or that was killed.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import re
from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import replacing

DEADLINE: Final = "deadline"
"""How an attempt ends that has run out of time: at a checkpoint, in order."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of one worker at one task of a submission.

    Args:
        submission: Name of the submission.
        index: Task of the array.
        worker: Which of the workers of the job.
        number: Attempts are counted from 1; a job that queues itself again has several.
        job: Id of the job, as submitit has it.
        began_at: In seconds since 1970.
        ready_at: When everything was loaded and training began.
        pack: The pack that was begun last.
        host: Name of the node.
        ended_at: None while it runs, or if it was killed.
        end: How it ended: ``finished``, ``deadline``, ``signal``, ``error``.
        error: The first line of what stopped it.
        failed: Packs that an exception stopped, and the exception.
    """

    submission: str
    index: int
    worker: int
    number: int
    job: str
    began_at: float
    ready_at: float | None = None
    pack: str = ""
    host: str = field(default_factory=platform.node)
    ended_at: float | None = None
    end: str = ""
    error: str = ""
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def file_name(self) -> str:
        """Name of its file in the folder of the submission."""
        return f"{self.index}-{self.worker}-{self.number}.attempt"


HEADING = re.compile(r"^=== attempt (\d+) of .* ===$", re.MULTILINE)


def heading(attempt: Attempt) -> str:
    """The line with which an attempt begins in the logs of its worker; those after it append to the same files."""
    return f"=== attempt {attempt.number} of {attempt.job}, worker {attempt.worker}, on {attempt.host} ==="


def write_attempt(run: Path, attempt: Attempt) -> None:
    """Write down an attempt, in place of what was said of it before.

    Args:
        run: Folder of the run.
        attempt: What is known of it now.
    """
    path = run / "jobs" / attempt.submission / attempt.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(json.dumps(dataclasses.asdict(attempt)) + "\n")


def read_attempts(run: Path) -> list[Attempt]:
    """Read all attempts of a run.

    Args:
        run: Folder of the run.

    Returns:
        The attempts by the time at which they began.

    Raises:
        PipelineError: If one is damaged.
    """
    return _in_order(map(_read, (run / "jobs").glob("*/*.attempt")))


def readable_attempts(run: Path) -> list[Attempt]:
    """The same without those that are damaged: for a job that needs none of them to go on.

    Args:
        run: Folder of the run.

    Returns:
        The attempts by the time at which they began.
    """
    found = []
    for path in (run / "jobs").glob("*/*.attempt"):
        with suppress(PipelineError):
            found.append(_read(path))
    return _in_order(found)


def _read(path: Path) -> Attempt:
    try:
        return Attempt(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise PipelineError(f"not a readable attempt: {error}", where=str(path), hint="delete it") from None


def _in_order(attempts: Iterable[Attempt]) -> list[Attempt]:
    return sorted(attempts, key=lambda attempt: (attempt.began_at, attempt.job, attempt.worker))


def cut_packs(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """The packs that ran out of time in the last attempt that began them, and wait at a checkpoint.

    Args:
        attempts: By the time at which they began.

    Returns:
        That attempt of each.
    """
    latest = {attempt.pack: attempt for attempt in attempts if attempt.pack}
    return {pack: attempt for pack, attempt in latest.items() if attempt.end == DEADLINE}


def in_training(attempts: Iterable[Attempt], jobs: Container[str]) -> set[str]:
    """Packs that workers have begun last and may be training still, their own or those of a job that they help.

    Args:
        attempts: By the time at which they began.
        jobs: Ids of the jobs that a scheduler holds.

    Returns:
        Names of packs.
    """
    latest = {(attempt.submission, attempt.index, attempt.worker): attempt for attempt in attempts}
    living = [attempt for attempt in latest.values() if attempt.job in jobs and attempt.ended_at is None]
    return {attempt.pack for attempt in living if attempt.pack}


def next_number(run: Path, submission: str, index: int, worker: int) -> int:
    """The number of the next attempt of a worker.

    Args:
        run: Folder of the run.
        submission: Name of the submission.
        index: Task of its array.
        worker: Which of the workers of the job.

    Returns:
        1 for the first.
    """
    return 1 + len(list((run / "jobs" / submission).glob(f"{index}-{worker}-*.attempt")))
