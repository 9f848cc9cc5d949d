"""Status of a run on its cluster: from its records, its notes, and one question to the scheduler.

Whether a trial is finished is known from the records alone; the scheduler only says what
waits and what runs. A scheduler that does not answer leaves those two unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.errors import PipelineError
from pipeline.launch.notes.attempts import in_training, read_attempts
from pipeline.launch.notes.submission import Submission, read_submissions
from pipeline.launch.schedulers import SchedulerTask
from pipeline.launch.state.history import Incident, incidents, quarantined
from pipeline.launch.state.in_flight import held_tasks
from pipeline.records.packs import read_packs
from pipeline.records.store import read_outcomes

STATES = ("done", "diverged", "failed", "quarantined", "running", "pending", "in flight", "lost", "not sent")
"""Of a trial. In flight: sent, but the scheduler could not be asked. Lost: its job ended before it was finished."""


@dataclass(frozen=True)
class Status:
    """The status of a run.

    Args:
        trials: How many trials are in each state.
        arrays: One row per submission.
        incidents: What went wrong, the latest first.
        seconds_left: Until the last trial, if what runs now goes on running; none if that cannot be said.
        unknown: Why the scheduler could not be asked; empty if it could.
    """

    trials: dict[str, int]
    arrays: pl.DataFrame
    incidents: list[Incident]
    seconds_left: float | None
    unknown: str


def status(run: Path) -> Status:
    """Read the status of a run.

    Args:
        run: Folder of the run.

    Returns:
        Its trials and arrays by state, what went wrong, and the time that is left.

    Raises:
        PipelineError: If the folder is not that of a run.
    """
    packs = read_packs(run)
    submissions = read_submissions(run)
    outcomes = read_outcomes(run)
    tasks, unknown = ask(run, submissions)
    held = set(tasks) if not unknown else {one.task_id(i) for one in submissions for i in range(len(one.tasks))}
    found = incidents(run, submissions, held) if not unknown else []
    states = pack_states(run, packs, submissions, outcomes, tasks, unknown, quarantined(run, found))
    trials = Counter(outcomes.filter(pl.col("status") != "failed")["status"].to_list())
    for pack, state in states.items():
        if state != "finished":
            trials[state] += len(packs[pack])
    return Status(
        trials={state: trials[state] for state in STATES if trials[state]},
        arrays=arrays(submissions, packs, owners(submissions, states, outcomes), tasks, unknown),
        incidents=found,
        seconds_left=seconds_left(submissions, packs, states, outcomes, tasks),
        unknown=unknown,
    )


def ask(run: Path, submissions: Sequence[Submission]) -> tuple[dict[str, SchedulerTask], str]:
    """Ask schedulers what they still hold of some submissions.

    Args:
        run: Folder of the run.
        submissions: Its submissions.

    Returns:
        The tasks by id; and the reason, empty if all could be asked.
    """
    try:
        return {task.id: task for task in held_tasks(run, submissions)}, ""
    except PipelineError as error:
        return {}, error.what


def pack_states(
    run: Path,
    packs: Mapping[str, tuple[str, ...]],
    submissions: Sequence[Submission],
    outcomes: pl.DataFrame,
    tasks: Mapping[str, SchedulerTask],
    unknown: str,
    kept_back: set[str],
) -> dict[str, str]:
    """The state of every pack; ``finished`` where each of its trials has its own.

    Args:
        run: Folder of the run.
        packs: The trials of each pack.
        submissions: What was sent.
        outcomes: One row per trial that has ended.
        tasks: What schedulers hold, by id.
        unknown: Why one could not be asked.
        kept_back: Packs that failed too often.

    Returns:
        The state of each pack, by name.
    """
    failed = set(outcomes.filter(pl.col("status") == "failed")["pack"])
    finished = set(outcomes["pack"]) - failed
    begun = {path.name for path in (run / "checkpoints").glob("*")}
    live: dict[str, str] = {}
    sent: set[str] = set()
    for submission in submissions:
        for index, task in enumerate(submission.tasks):
            held = tasks.get(submission.task_id(index))
            sent.update(task)
            for pack in task:
                if held is not None:
                    runs = held.state == "running" and pack in begun
                    live[pack] = "running" if runs else live.get(pack, "pending")
    running = {task.id for task in tasks.values() if task.state == "running"}
    live |= dict.fromkeys(in_training(read_attempts(run), running), "running")  # of a job that has ended, perhaps

    def state(pack: str) -> str:
        if pack in finished:
            return "finished"
        if pack in live:
            return live[pack]
        if pack in kept_back:
            return "quarantined"
        if pack in failed:
            return "failed"
        if pack in sent:
            return "in flight" if unknown else "lost"
        return "not sent"

    return {pack: state(pack) for pack in packs}


def owners(submissions: Sequence[Submission], states: Mapping[str, str], outcomes: pl.DataFrame) -> dict[str, str]:
    """Choose for each finished pack the one submission that it counts for, of several that have it: links, or a retry.

    That is the one whose job finished it; the first that has it where it was finished elsewhere.

    Args:
        submissions: What was sent.
        states: The state of each pack.
        outcomes: One row per trial that has ended.

    Returns:
        Names of submissions, by pack.
    """
    jobs = {one.task_id(index): one.name for one in submissions for index in range(len(one.tasks)) if one.job}
    finishers = {pack: jobs[job] for pack, job in outcomes.select("pack", "job").iter_rows() if job in jobs}
    having = {pack: one.name for one in reversed(submissions) for task in one.tasks for pack in task}
    return {pack: name for pack, name in (having | finishers).items() if states.get(pack) == "finished"}


def arrays(
    submissions: Sequence[Submission],
    packs: Mapping[str, tuple[str, ...]],
    finished: Mapping[str, str],
    tasks: Mapping[str, SchedulerTask],
    unknown: str,
) -> pl.DataFrame:
    """One row per submission: its jobs by state, its trials, and why it waits.

    Args:
        submissions: What was sent.
        packs: The trials of each pack.
        finished: The submission that each finished pack is counted for.
        tasks: What schedulers hold, by id.
        unknown: Why one could not be asked.

    Returns:
        Columns as in ``ARRAYS``.
    """
    rows = []
    living = {one.name for one in submissions for index in range(len(one.tasks)) if one.task_id(index) in tasks}
    for one in submissions:
        held = [tasks[one.task_id(index)] for index in range(len(one.tasks)) if one.task_id(index) in tasks]
        members = [pack for task in one.tasks for pack in task if pack in packs]
        running = sum(task.state == "running" for task in held)
        reasons = dict.fromkeys(task.reason for task in held if task.reason)
        if one.after in living and not running and reasons.keys() <= {"Dependency"}:  # SLURM's word; PBS has none
            reasons = {f"the end of {one.after}": None} if held else {}
        rows.append(
            {
                "array": one.name,
                "cluster": one.cluster,
                "job": one.job or "?",
                "jobs": len(one.tasks),
                "pending": None if unknown else len(held) - running,
                "running": None if unknown else running,
                "ended": None if unknown else len(one.tasks) - len(held),
                "finished trials": sum(len(packs[pack]) for pack in members if finished.get(pack) == one.name),
                "trials": sum(len(packs[pack]) for pack in members),
                "waits for": ", ".join(reasons),
            }
        )
    return pl.DataFrame(rows, schema=ARRAYS)


ARRAYS = {
    "array": pl.String,
    "cluster": pl.String,
    "job": pl.String,
    "jobs": pl.Int64,
    "pending": pl.Int64,
    "running": pl.Int64,
    "ended": pl.Int64,
    "finished trials": pl.Int64,
    "trials": pl.Int64,
    "waits for": pl.String,
}


def seconds_left(
    submissions: Sequence[Submission],
    packs: Mapping[str, tuple[str, ...]],
    states: Mapping[str, str],
    outcomes: pl.DataFrame,
    tasks: Mapping[str, SchedulerTask],
) -> float | None:
    """Predict the time until the last pack is trained.

    The expected seconds of the packs that are left, scaled by how far off the expectation was for those that are
    trained, over the number of running jobs.

    Args:
        submissions: What was sent.
        packs: The trials of each pack.
        states: The state of each pack.
        outcomes: One row per trial that has ended.
        tasks: What schedulers hold, by id.

    Returns:
        Seconds; none while nothing runs, or runs for nothing: the jobs of a finished sweep that end.
    """
    expected = {pack: seconds for one in submissions for pack, seconds in one.costs.items()}
    running = sum(task.state == "running" for task in tasks.values())
    if not running:
        return None
    took = outcomes.group_by("pack").agg(pl.col("seconds").sum())
    measured = {pack: seconds for pack, seconds in took.iter_rows() if pack in expected and seconds is not None}
    thought = sum(expected[pack] for pack in measured)
    off = sum(measured.values()) / thought if thought else 1.0
    left = [expected.get(pack, 0.0) for pack in packs if states[pack] in ("running", "pending")]
    return off * sum(left) / running if left else None
