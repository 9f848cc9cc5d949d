"""Incidents of a run: one for each failed pack, stopped worker, and job that never began."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.launch.notes.attempts import Attempt, read_attempts
from pipeline.launch.notes.exit_reasons import (
    CANCELLED,
    KILLED,
    OUT_OF_MEMORY,
    TIME_LIMIT,
    exit_reason,
    exit_reason_in,
    most_informative_line,
    part_of,
    tail,
)
from pipeline.launch.notes.submission import Submission, folder_of
from pipeline.launch.notes.terminations import cancelled, killed, words_of_pbs
from pipeline.records.atomic_writes import replacing

EXCEPTION = "exception"
NEVER_BEGAN = "never began"
STOPPED = "stopped"
NO_WORD = f"{NEVER_BEGAN}, and left no word"
OF_OTHERS = "of this parallel training"
"""What a worker says that has lost those with which it trains."""
MOST_EXCEPTIONS = 2
"""A pack that an exception has stopped so often is not sent again by itself."""


@dataclass(frozen=True)
class Incident:
    """An incident: something that went wrong.

    Args:
        kind: ``exception``, ``out of memory``, ``node failure``, ``killed``, and so on.
        what: The error in one line.
        at: When, in seconds since 1970.
        submission: Name of the submission.
        index: Task of its array.
        job: Id of the job, as submitit has it.
        pack: The pack that was being trained; empty if none was.
        memory_gib: Memory that the job had asked for.
        log: Where to read more.
        minutes: Walltime that the job had asked for.
        waiting: The packs of a job that had begun none of them.
        attempt: Number of the attempt of a worker, whose logs others of it append to; none where it is not of one.
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
    minutes: int | None = None
    waiting: tuple[str, ...] = ()
    attempt: int | None = None


def incidents(run: Path, submissions: Sequence[Submission], held: set[str]) -> list[Incident]:
    """Find all that went wrong so far in a run.

    Args:
        run: Folder of the run.
        submissions: Its submissions.
        held: Ids of the jobs that a scheduler still holds.

    Returns:
        The incidents, the latest first.
    """
    named = {submission.name: submission for submission in submissions}
    attempts = [attempt for attempt in read_attempts(run) if attempt.submission in named]
    began = {_worker(attempt, attempt.number): attempt.began_at for attempt in attempts}
    spools = {name: spooled(run, name) for name in named}
    found: list[Incident] = []
    for attempt in attempts:
        until = began.get(_worker(attempt, attempt.number + 1))
        last = until is None
        spool = spools[attempt.submission].get(attempt.job, ()) if last else ()  # one file for all runs of a job
        runs = last and attempt.job in held
        found += _of_attempt(run, named[attempt.submission], attempt, spool, until, runs=runs)
    begun = {(attempt.submission, attempt.index) for attempt in attempts}
    for submission in submissions:
        found += _never_began(run, submission, begun, held, spools[submission.name])
    return sorted(_causes(found, named), key=lambda incident: -incident.at)


def _causes(found: Sequence[Incident], named: Mapping[str, Submission]) -> Iterator[Incident]:
    """Of incidents of workers that train together keep the first alone: the others end since it is gone."""
    of_runs: dict[tuple[str, int, int], list[Incident]] = {}
    failed = {(incident.submission, incident.index) for incident in found if incident.attempt is None and incident.pack}
    for incident in found:
        if incident.attempt is None or not _together(named[incident.submission]):
            yield incident
        else:
            of_runs.setdefault((incident.submission, incident.index, incident.attempt), []).append(incident)
    for (submission, index, _), incidents_ in of_runs.items():
        first = min(incidents_, key=lambda incident: (_follows(incident), incident.at))
        if not (_follows(first) and (submission, index) in failed):
            yield first


def _together(submission: Submission) -> bool:
    """Whether all workers of a job train each trial together."""
    parallel = submission.how.get("parallel") or {}
    return int(parallel.get("nodes", 1)) * int(parallel.get("devices", 1)) > 1


def _follows(incident: Incident) -> int:
    """Rank how sure it is that a worker has ended since another one has: srun kills those that do not notice."""
    return 2 if OF_OTHERS in incident.what else int(incident.kind in (KILLED, CANCELLED))


def _worker(attempt: Attempt, number: int) -> tuple[str, int, int, int]:
    return attempt.submission, attempt.index, attempt.worker, number


def _of_attempt(
    run: Path, submission: Submission, attempt: Attempt, spool: Sequence[Path], until: float | None, *, runs: bool
) -> Iterator[Incident]:
    """Incidents of one attempt.

    Args:
        run: Folder of the run.
        submission: What it is of.
        attempt: It.
        spool: What PBS has written of its job.
        until: When the next attempt of its worker began, if one did.
        runs: Whether it goes on.

    Yields:
        Each incident.
    """
    place = (attempt.submission, attempt.index, attempt.job)
    memory, minutes = submission.memory_gib, submission.minutes
    for pack, reason in attempt.failed.items():
        kind = OUT_OF_MEMORY if reason.startswith(OUT_OF_MEMORY) else EXCEPTION
        yield Incident(kind, reason, attempt.ended_at or 0, *place, pack, memory, run / "logs" / f"{pack}.log", minutes)
    if runs and attempt.end != "error":
        return
    folder, log = folder_of(run, submission.name), log_of(run, attempt.submission, attempt.job, attempt.worker)
    named, words = _killed_by_server(folder, attempt.job, spool) if until is None else ("", "")
    at = attempt.ended_at or until or (log.stat().st_mtime if log.exists() else attempt.began_at)
    if attempt.ended_at is None:
        named = named or exit_reason([log, log.with_suffix(".out"), *spool], attempt.number)
        if named == KILLED and attempt.worker:  # slurmstepd and srun speak of all workers in the log of the first
            named = exit_reason([log_of(run, attempt.submission, attempt.job, 0)], attempt.number)
        named = CANCELLED if named == KILLED and attempt.job in cancelled(folder) else named
    elif not _in_the_way(named := named or _limit_of_slurm(run, attempt), attempt.end):
        if attempt.end == "error":
            yield Incident(STOPPED, attempt.error, at, *place, "", memory, log, minutes, (), attempt.number)
        return
    waiting = () if attempt.pack else submission.tasks[attempt.index]
    what = f"worker {named} on {attempt.host}{words and f': {words}'}"
    yield Incident(named, what, at, *place, attempt.pack, memory, log, minutes, waiting, attempt.number)


def _in_the_way(named: str, end: str) -> bool:
    """Whether a server's limit kept a worker from its work that has ended in order: PBS sends SIGTERM before it kills.

    One that stopped before its time was over, and exported until PBS ended it, was not kept from anything.

    Returns:
        Whether it did.
    """
    return (named == OUT_OF_MEMORY and end != "finished") or (named == TIME_LIMIT and end in ("signal", "error"))


def _killed_by_server(folder: Path, job: str, spool: Sequence[Path]) -> tuple[str, str]:
    """The exit reason for which PBS killed a job, and its message: from its spool, or its exit status as once seen."""
    words = words_of_pbs(spool)
    return exit_reason_in(f"=>> PBS: job killed: {words}") if words else killed(folder, job), words


def _limit_of_slurm(run: Path, attempt: Attempt) -> str:
    """The cause that slurmstepd names for an attempt, in its worker's log or the first one's; empty if none."""
    logs = [log_of(run, attempt.submission, attempt.job, worker) for worker in sorted({attempt.worker, 0})]
    lines = [line for log in logs for line in part_of(log, attempt.number).splitlines()]
    named = exit_reason_in("\n".join(line for line in lines if line.startswith("slurmstepd: ")))
    return "" if named == KILLED else named


def _never_began(
    run: Path,
    submission: Submission,
    begun: set[tuple[str, int]],
    held: set[str],
    spools: Mapping[str, list[Path]],
) -> Iterator[Incident]:
    folder = folder_of(run, submission.name)
    for index, packs in enumerate(submission.tasks):
        job = submission.task_id(index)
        if submission.job is None or (submission.name, index) in begun or job in held:
            continue
        log = log_of(run, submission.name, job, 0)
        if (log.parent / f"{job}_0_result.pkl").exists():
            continue  # it found nothing left to do
        spool = spools.get(job, [])
        named, words = _killed_by_server(folder, job, spool)
        named = named or exit_reason([log, log.with_suffix(".out"), *spool])
        named = CANCELLED if named == KILLED and job in cancelled(folder) else named
        kind = NEVER_BEGAN if named == KILLED else named
        left = () if kind == CANCELLED else (log.with_suffix(".out"), *spool, log)  # the noise of a login shell
        said = words or most_informative_line(tail(file) for file in left)
        at = log.stat().st_mtime if log.exists() else submission.sent_at
        place = (submission.name, index, job)
        what = f"{kind}: {said}" if said else NO_WORD if kind == NEVER_BEGAN else f"{kind} before it began"
        yield Incident(kind, what, at, *place, "", submission.memory_gib, log, submission.minutes, packs)


def log_of(run: Path, submission: str, job: str, worker: int) -> Path:
    """The error stream of a worker; its output is beside it, with the suffix ``.out``.

    Args:
        run: Folder of the run.
        submission: Name of the submission.
        job: Id of the job, as submitit has it.
        worker: Which of its workers.

    Returns:
        The file, which may not be there.
    """
    return folder_of(run, submission) / f"{job}_{worker}_log.err"


def spooled(run: Path, submission: str) -> dict[str, list[Path]]:
    """Find the output that PBS itself keeps of jobs, such as why it killed them: in files beside the workers'.

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
    """Packs that an exception has stopped too often since they were last forgiven.

    Args:
        run: Folder of the run.
        found: What went wrong so far.

    Returns:
        Names of packs.
    """
    forgiven = _forgiven(run)
    times = Counter(one.pack for one in found if one.kind == EXCEPTION and one.at > forgiven.get(one.pack, 0.0))
    return {pack for pack, number in times.items() if number >= MOST_EXCEPTIONS}


def forgive(run: Path, packs: Sequence[str]) -> None:
    """Forget the exceptions of some packs, so that they are sent again.

    Args:
        run: Folder of the run.
        packs: Their names.
    """
    forgiven = _forgiven(run) | dict.fromkeys(packs, time.time())
    with replacing(_forgiveness(run)) as part:
        part.write_text(json.dumps(forgiven) + "\n")


def _forgiven(run: Path) -> dict[str, float]:
    path = _forgiveness(run)
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _forgiveness(run: Path) -> Path:
    return run / "jobs" / ".forgiven"
