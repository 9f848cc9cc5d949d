"""In-flight jobs: those that were sent and not seen to end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.launch.notes.attempts import in_training, read_attempts
from pipeline.launch.notes.submission import Submission, folder_of
from pipeline.launch.notes.terminations import cancelled
from pipeline.launch.schedulers import Scheduler, SchedulerTask, scheduler_named
from pipeline.launch.schedulers.waiting import Say
from pipeline.records.store import finished_packs

SECONDS_TO_END = 120.0
"""How long a job may take to end: KILL follows TERM after 10 s on PBS, 30 s on SLURM, unless a site says otherwise."""
SECONDS_BETWEEN_LOOKS = 0.5


def scheduler_of(submission: Submission) -> Scheduler:
    """The scheduler that a submission went to."""
    return scheduler_named(submission.scheduler, submission.slurm_conf, submission.clusters)


def by_scheduler(submissions: Iterable[Submission]) -> list[list[Submission]]:
    """Submissions together that went to the same scheduler."""
    kinds: dict[tuple[str | None, ...], list[Submission]] = {}
    for one in submissions:
        kinds.setdefault((one.scheduler, one.slurm_conf, one.clusters), []).append(one)
    return list(kinds.values())


def held(run: Path, submissions: Sequence[Submission]) -> set[str]:
    """Ids of the jobs of some submissions that schedulers still hold, as submitit has them.

    Args:
        run: Folder of the run.
        submissions: Some of its submissions.

    Returns:
        The ids.

    Raises:
        PipelineError: If a scheduler cannot be asked.
    """
    return {task.id for task in held_tasks(run, submissions)}


def held_tasks(run: Path, submissions: Sequence[Submission]) -> Iterator[SchedulerTask]:
    """List the tasks that schedulers still hold of some submissions.

    Args:
        run: Folder of the run.
        submissions: Some of its submissions.

    Yields:
        Each task of an array; where a scheduler speaks of an array as a whole, each that may be there.

    Raises:
        PipelineError: If one cannot be asked.
    """
    sent = [one for one in submissions if one.job is not None]
    for together in by_scheduler(sent):
        mine = {str(one.job): one for one in together}
        for task in scheduler_of(together[0]).tasks({job: folder_of(run, one.name) for job, one in mine.items()}):
            whole = mine.get(task.id)  # an array of whose tasks nothing is known: each may be there
            ids = [whole.task_id(index) for index in range(len(whole.tasks))] if whole else [task.id]
            yield from (dataclasses.replace(task, id=id_) for id_ in ids)


def held_after_ending(run: Path, submissions: Sequence[Submission], say: Say) -> set[str]:
    """Ids of the jobs that schedulers hold, once what is ending has ended.

    A job that was cancelled goes on for a while: PBS shows it as R for up to 13 s (OpenPBS 23.06.06), SLURM as
    COMPLETING. What it had is nobody's then, and what is sent at once would find it locked.

    Args:
        run: Folder of the run.
        submissions: Its submissions.
        say: Prints what is waited for.

    Returns:
        The ids.

    Raises:
        PipelineError: If a scheduler cannot be asked.
    """
    began, announced = time.time(), False
    while True:
        tasks = list(held_tasks(run, submissions))
        ending = ending_since(run, submissions, tasks, began)
        late = time.time() - SECONDS_TO_END
        if not any(since > late for since in ending.values()):
            break
        if not announced:
            which = "1 job of this run is" if len(ending) == 1 else f"{len(ending)} jobs of this run are"
            say(f"{which} ending; waiting for that")
        announced = True
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if ending:
        which = "1 job has" if len(ending) == 1 else f"{len(ending)} jobs have"
        theirs = "it trains stays its own" if len(ending) == 1 else "they train stays theirs"
        say(f"{which} not ended within {SECONDS_TO_END:g} s; what {theirs}")
    return {task.id for task in tasks}


def ending_since(
    run: Path, submissions: Sequence[Submission], tasks: Iterable[SchedulerTask], seen: float
) -> dict[str, float]:
    """Find since when jobs with something left to train are ending, in seconds since 1970.

    Args:
        run: Folder of the run.
        submissions: Its submissions.
        tasks: What schedulers hold of them.
        seen: What to take for those that end by themselves.

    Returns:
        The seconds, by the id of the job.
    """
    cancelled_at = {job: at for one in submissions for job, at in cancelled(folder_of(run, one.name)).items()}
    finished = finished_packs(run)
    left = {
        one.task_id(index)
        for one in submissions
        for index, packs in enumerate(one.tasks)
        if not finished.issuperset(packs)
    }
    there = [task for task in tasks if task.id in left and (task.ending or task.id in cancelled_at)]
    return {task.id: cancelled_at.get(task.id, seen) for task in there}


def close_finished_predecessors(run: Path, submissions: Sequence[Submission], jobs: set[str], say: Say) -> None:
    """See to it that no link of a chain waits for one that is over in all but name.

    Args:
        run: Folder of the run.
        submissions: Its submissions.
        jobs: Ids of the jobs that schedulers hold.
        say: Prints what was done.

    Raises:
        PipelineError: If a scheduler cannot be asked.
    """
    there = {one.name: one for one in submissions if jobs.intersection(one.task_id(i) for i in range(len(one.tasks)))}
    named = {one.name: one for one in submissions if one.job is not None and one.name not in there}
    for one in there.values():
        before = named.get(one.after or "")
        if before is not None and scheduler_of(before).close(str(before.job), folder_of(run, before.name)):
            say(f"{before.name} was over, but not for its server, which let {one.name} wait for it: it was closed")


def packs_in_flight(run: Path, submissions: Sequence[Submission], jobs: set[str]) -> set[str]:
    """Packs that jobs which a scheduler holds train or wait to train.

    Args:
        run: Folder of the run.
        submissions: What was sent.
        jobs: Ids of the jobs that schedulers hold.

    Returns:
        Names of packs, those among them that a job trains to help another.
    """
    return in_training(read_attempts(run), jobs) | {
        pack
        for one in submissions
        for index, task in enumerate(one.tasks)
        if one.job is not None and one.task_id(index) in jobs
        for pack in task
    }
