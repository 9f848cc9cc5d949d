"""Cancelling jobs: all of a run, an array, or one task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pipeline.errors import PipelineError, nearest
from pipeline.launch.notes.array_tasks import array_task_indices
from pipeline.launch.notes.submission import Submission, folder_of, read_submissions
from pipeline.launch.notes.terminations import note_cancelled
from pipeline.launch.schedulers.waiting import Say, announce_if_slow
from pipeline.launch.state.in_flight import held, scheduler_of
from pipeline.launch.submit.reconcile import reconcile, submit_lock


def cancel(run: Path, what: Sequence[str], say: Say) -> list[str]:
    """End jobs of a run; what they have recorded stays.

    Args:
        run: Folder of the run.
        what: Ids of jobs or array tasks, or names of arrays; none for all of the run.
        say: Prints what takes long.

    Returns:
        Ids of the jobs that were still there and were cancelled.

    Raises:
        PipelineError: If there is no such job, or the scheduler cannot be asked.
    """
    with submit_lock(run, say):
        reconcile(run, say)
        submissions = [one for one in read_submissions(run) if one.job is not None]
        with announce_if_slow(say, "waiting for the scheduler to answer"):
            alive = held(run, submissions)
        chosen = {one.name: _elements(run, one, what) for one in submissions}
        for name in what:
            if not any(array_task_indices(run, one, name) for one in submissions):
                _refuse_unknown(name, submissions, run)
        ended = []
        for one in reversed(submissions):  # the last links of a chain first, so that none begins in between
            tasks = [one.task_id(index) for index in chosen[one.name] if one.task_id(index) in alive]
            if tasks:
                whole = len(chosen[one.name]) == len(one.tasks)
                note_cancelled(folder_of(run, one.name), tasks)
                scheduler_of(one).cancel(folder_of(run.resolve(), one.name), [str(one.job)] if whole else tasks)
                ended += tasks
    return ended


def _elements(run: Path, submission: Submission, what: Sequence[str]) -> list[int]:
    if not what:
        return list(range(len(submission.tasks)))
    return sorted({index for name in what for index in array_task_indices(run, submission, name)})


def _refuse_unknown(name: str, submissions: Sequence[Submission], run: Path) -> NoReturn:
    known = {name for one in submissions for name in (one.name, str(one.job))}
    known |= {one.task_id(index) for one in submissions for index in range(len(one.tasks))}
    hint = nearest(name, known) if len(known) < 20 else "status lists them"
    hint = hint if known else "nothing was sent of this run yet"
    raise PipelineError(f"this run has no job {name!r}", where=str(run), hint=hint)
