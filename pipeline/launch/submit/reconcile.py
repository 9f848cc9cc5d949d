"""Reconcile what was written down with what schedulers hold; one submit of a run is at work at a time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.launch.notes.submission import (
    Submission,
    folder_of,
    forget_submission,
    read_submissions,
    write_submission,
)
from pipeline.launch.schedulers import MOST_REQUEUES
from pipeline.launch.schedulers.waiting import Say
from pipeline.launch.state.in_flight import scheduler_of
from pipeline.launch.worker import work
from pipeline.records.locks import locked

SECONDS_TO_APPEAR = 30.0
"""How long a job may take to be seen by its scheduler after the command that sent it has begun."""
SECONDS_TO_SUBMIT = 600.0
"""How long to wait for another submit of the same run."""


@contextmanager
def submit_lock(run: Path, say: Say) -> Iterator[None]:
    """Wait until nobody else sends jobs of this run, and keep others from it.

    Args:
        run: Folder of the run.
        say: Prints that somebody else is at work.

    Raises:
        PipelineError: If somebody else takes very long, or it cannot be known whether there is anybody.
    """
    folder = run / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    waited_from = time.monotonic()
    while (lock := locked(folder / ".lock", say)) is None:
        if time.monotonic() - waited_from > SECONDS_TO_SUBMIT:
            what = f"another submit has been at work here for {SECONDS_TO_SUBMIT:g} s"
            raise PipelineError(what, where=str(run), hint="look for it on the other login nodes")
        if time.monotonic() - waited_from < 1:
            say("another submit is at work on this run; waiting for it")
        time.sleep(1)
    with lock:
        yield


def reconcile(run: Path, say: Say) -> None:
    """Reconcile notes without an id with the scheduler: complete those whose jobs were sent, and forget the others.

    Args:
        run: Folder of the run.
        say: Prints each that was interrupted.

    Raises:
        PipelineError: If the scheduler cannot be asked.
    """
    open_ = [submission for submission in read_submissions(run) if submission.job is None]
    for submission in open_:
        found = with_job(run, submission)
        wait = submission.sent_at + SECONDS_TO_APPEAR - time.time()
        if found is None and wait > 0:
            say(f"a submit was interrupted while it sent {submission.name}; asking again in {wait:.0f} s")
            time.sleep(wait)
            found = with_job(run, submission)
        if found is None:
            forget_submission(run, submission)
        else:
            say(f"a submit was interrupted after it had sent {submission.name}: it is job {found.job}")
            write_submission(run, found)
            write_arguments(run, found)


def with_job(run: Path, submission: Submission) -> Submission | None:
    """A submission with the job that has its name, on whichever of its clusters that is.

    Args:
        run: Folder of the run.
        submission: What may have been sent.

    Returns:
        The same with its job, and with the cluster that has it; none if there is no such job.
    """
    for cluster in (submission.clusters or "").split(","):
        there = dataclasses.replace(submission, clusters=cluster or None)
        job = scheduler_of(there).find(folder_of(run, there.name), there.name)
        if job is not None:
            return dataclasses.replace(there, job=job)
    return None


def write_arguments(run: Path, submission: Submission) -> None:
    """Write what submitit's part in a job waits for, where the process that sent the job had no time to.

    Args:
        run: Folder of the run.
        submission: What was sent.
    """
    from submitit.core.utils import DelayedSubmission, JobPaths

    for index in range(len(submission.tasks)):
        path = JobPaths(folder_of(run, submission.name), submission.task_id(index)).submitted_pickle
        if not path.exists():
            arguments = DelayedSubmission(work, str(run.resolve()), submission.name, index)
            arguments.set_timeout(submission.minutes, MOST_REQUEUES)
            part = path.with_suffix(".part")
            arguments.dump(part)
            part.replace(path)
