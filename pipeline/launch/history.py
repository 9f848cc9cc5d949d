"""What went wrong in a run: one incident for each failed pack, stopped worker, and job that never began."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.launch.attempts import Attempt, read_attempts
from pipeline.launch.causes import KILLED, OUT_OF_MEMORY, cause, tail
from pipeline.launch.submission import Submission, folder_of
from pipeline.records.files import replacing

EXCEPTION = "exception"
NEVER_BEGAN = "never began"
STOPPED = "stopped"
MOST_EXCEPTIONS = 2
"""A pack that an exception has stopped so often is not sent again by itself."""


@dataclass(frozen=True)
class Incident:
    """Something that went wrong.

    Args:
        kind: ``exception``, ``out of memory``, ``node failure``, ``killed``, and so on.
        what: The error in one line.
        at: When, in seconds since 1970.
        submission: Name of the submission.
        index: Element of its array.
        job: Id of the job, as submitit has it.
        pack: The pack that was being trained; empty if none was.
        memory_gib: Memory that the job had asked for.
        log: Where to read more.
    """

    kind: str
    what: str
    at: float
    submission: str
    index: int
    job: str
    pack: str
    memory_gib: float | None
    log: Path


def incidents(run: Path, submissions: Sequence[Submission], held: set[str]) -> list[Incident]:
    """All that went wrong so far, the latest first.

    Args:
        run: Folder of the run.
        submissions: Its submissions.
        held: Ids of the jobs that a scheduler still holds.
    """
    named = {submission.name: submission for submission in submissions}
    attempts = [attempt for attempt in read_attempts(run) if attempt.submission in named]
    newest = {(attempt.submission, attempt.index, attempt.worker): attempt.number for attempt in attempts}
    spools = {name: spooled(run, name) for name in named}
    found: list[Incident] = []
    for attempt in attempts:
        runs = attempt.job in held and newest[attempt.submission, attempt.index, attempt.worker] == attempt.number
        found += _of_attempt(run, named[attempt.submission], attempt, spools[attempt.submission], runs=runs)
    begun = {(attempt.submission, attempt.index) for attempt in attempts}
    for submission in submissions:
        found += _never_began(run, submission, begun, held, spools[submission.name])
    return sorted(found, key=lambda incident: -incident.at)


def _of_attempt(
    run: Path, submission: Submission, attempt: Attempt, spools: Mapping[str, list[Path]], *, runs: bool
) -> Iterator[Incident]:
    place = (attempt.submission, attempt.index, attempt.job)
    memory = submission.memory_gib
    for pack, reason in attempt.failed.items():
        kind = OUT_OF_MEMORY if reason.startswith(OUT_OF_MEMORY) else EXCEPTION
        yield Incident(kind, reason, attempt.ended_at or 0, *place, pack, memory, run / "logs" / f"{pack}.log")
    if attempt.end != "error" and (attempt.ended_at is not None or runs):
        return
    log = log_of(run, attempt.submission, attempt.job, attempt.worker)
    if attempt.end == "error":
        yield Incident(STOPPED, attempt.error, attempt.ended_at or 0, *place, "", memory, log)
    else:
        named = cause([log, log.with_suffix(".out"), *spools.get(attempt.job, ())])
        at = log.stat().st_mtime if log.exists() else attempt.began_at
        yield Incident(named, f"worker {named} on {attempt.host}", at, *place, attempt.pack, memory, log)


def _never_began(
    run: Path,
    submission: Submission,
    begun: set[tuple[str, int]],
    held: set[str],
    spools: Mapping[str, list[Path]],
) -> Iterator[Incident]:
    for index in range(len(submission.tasks)):
        job = submission.task_id(index)
        if submission.job is None or (submission.name, index) in begun or job in held:
            continue
        log = log_of(run, submission.name, job, 0)
        if (log.parent / f"{job}_0_result.pkl").exists():
            continue  # it found nothing left to do
        spool = spools.get(job, ())
        said = [line for file in (*spool, log) for line in tail(file).splitlines() if line.strip()]
        named = cause([log, log.with_suffix(".out"), *spool])
        kind = NEVER_BEGAN if named == KILLED else named
        what = f"{kind}: {said[-1].strip()}" if said else kind
        at = log.stat().st_mtime if log.exists() else submission.sent_at
        yield Incident(kind, what, at, submission.name, index, job, "", submission.memory_gib, log)


def log_of(run: Path, submission: str, job: str, worker: int) -> Path:
    """The error stream of a worker; its output is beside it, with the suffix ``.out``."""
    return folder_of(run, submission) / f"{job}_{worker}_log.err"


def spooled(run: Path, submission: str) -> dict[str, list[Path]]:
    """What PBS itself has to say of jobs, such as why it killed them: in files of their own, not in the workers'.

    Args:
        run: Folder of the run.
        submission: Name of the submission.

    Returns:
        The files that say something, by the id of the job as submitit has it.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted((folder_of(run, submission) / "spool").glob("*.*")):
        if path.stat().st_size:
            job = path.name.partition(".")[0].replace("[", "_").removesuffix("]")  # 12[3].server.OU
            found.setdefault(job, []).append(path)
    return found


def quarantined(run: Path, found: Sequence[Incident]) -> set[str]:
    """Packs that an exception has stopped too often since they were last forgiven."""
    forgiven = _forgiven(run)
    times = Counter(one.pack for one in found if one.kind == EXCEPTION and one.at > forgiven.get(one.pack, 0.0))
    return {pack for pack, number in times.items() if number >= MOST_EXCEPTIONS}


def forgive(run: Path, packs: Sequence[str]) -> None:
    """Forget the exceptions of some packs, so that they are sent again."""
    forgiven = _forgiven(run) | dict.fromkeys(packs, time.time())
    with replacing(_forgiveness(run)) as part:
        part.write_text(json.dumps(forgiven) + "\n")


def _forgiven(run: Path) -> dict[str, float]:
    path = _forgiveness(run)
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _forgiveness(run: Path) -> Path:
    return run / "jobs" / ".forgiven"
