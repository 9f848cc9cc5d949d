"""Submissions: what was sent to a scheduler, written down before it is sent.

``jobs/<name>.json`` says which packs each task of an array trains. It is there, without
the id of the job, before the scheduler hears of it, and has the id after: whoever is
killed in between is understood by the next one, who asks the scheduler for the name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import replacing


@dataclass(frozen=True)
class Submission:
    """One array of jobs, or a single job.

    Args:
        name: Name of the job for the scheduler too; no other job of the user is called so.
        cluster: Name of the cluster.
        overrides: What was changed of its profile.
        scheduler: What runs jobs there.
        slurm_conf: Configuration of a SLURM that is not the machine's own.
        tasks: Names of the packs that each task of the array trains.
        seconds: How long each task is expected to take.
        costs: How long each pack is expected to take.
        minutes: Walltime of a task.
        memory_gib: Memory of a task on one node; none where the site fills it in.
        margin_seconds: How long before the walltime a worker stops.
        gpus: GPUs of a task.
        requeue: Whether a task that runs out of time queues itself again.
        link: Position in a chain of submissions, 0 for the first.
        after: Name of the submission that has to end before.
        code: What runs: the version of the code.
        sent_at: When it was written down, in seconds since 1970.
        job: Id that the scheduler gave it; none until it is known.
        how: Fields of the experiment that say how it is computed, which may differ from those of the plan.
        wandb: Whether workers export to W&B as packs finish: ``online`` or ``offline``.
        wandb_entity: User or team on W&B that the profile names.
        wandb_project: Project on W&B that the profile names.
        clusters: The cluster of several under one SLURM that has the job, or those that may have it; none: its own.
    """

    name: str
    cluster: str
    overrides: tuple[str, ...]
    scheduler: str
    slurm_conf: str | None
    tasks: tuple[tuple[str, ...], ...]
    seconds: tuple[float, ...]
    costs: dict[str, float]
    minutes: int
    memory_gib: float | None
    margin_seconds: float
    gpus: int
    requeue: bool
    link: int
    after: str | None
    code: str
    sent_at: float
    job: str | None = None
    how: dict[str, Any] = field(default_factory=dict)
    wandb: str = "offline"
    wandb_entity: str | None = None
    wandb_project: str | None = None
    clusters: str | None = None

    def task_id(self, index: int) -> str:
        """Id of a task as submitit has it, such as ``1234_7``; a single job is no array."""
        return f"{self.job}_{index}" if len(self.tasks) > 1 else str(self.job)

    @property
    def number(self) -> int:
        """Counts the submissions of a run from 1."""
        return int(self.name.rpartition("-")[2])


def folder_of(run: Path, name: str) -> Path:
    """Where submitit keeps the scripts, the arguments and the logs of a submission.

    Args:
        run: Folder of the run.
        name: Of the submission.

    Returns:
        The folder, which may not be there yet.
    """
    return run / "jobs" / name


def next_name(run: Path) -> str:
    """A name for the next submission: short, since some servers allow 15 letters, and no other job's of the user.

    A name whose note was forgotten is not given again, as long as its folder is there: its job may still appear.

    Args:
        run: Folder of the run.

    Returns:
        A name such as ``xor-0a1b2c-3``, whose last part counts the submissions of the run.
    """
    letters = re.sub(r"[^A-Za-z0-9]", "", run.name)[:5]
    where = hashlib.sha256(str(run.resolve()).encode()).hexdigest()[:6]
    given = {path.stem for path in (run / "jobs").glob("*-*-*") if path.is_dir() or path.suffix == ".json"}
    number = max((int(name.rpartition("-")[2]) for name in given), default=0) + 1
    return f"{letters if letters[:1].isalpha() else 'run'}-{where}-{number}"


def write_submission(run: Path, submission: Submission) -> None:
    """Write the note of a submission, in place of an earlier one of that name.

    Args:
        run: Folder of the run.
        submission: What is to be written.
    """
    path = run / "jobs" / f"{submission.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_text(json.dumps(dataclasses.asdict(submission), indent=1) + "\n")


def forget_submission(run: Path, submission: Submission) -> None:
    """Remove the note of a submission that the scheduler has refused.

    Args:
        run: Folder of the run.
        submission: What was refused.
    """
    (run / "jobs" / f"{submission.name}.json").unlink(missing_ok=True)


def read_submission(run: Path, name: str) -> Submission:
    """Read one note.

    Args:
        run: Folder of the run.
        name: Of the submission.

    Returns:
        The submission.

    Raises:
        PipelineError: If it is not there or damaged.
    """
    return _read(run / "jobs" / f"{name}.json")


def read_submissions(run: Path) -> list[Submission]:
    """Read all submissions of a run, in the order in which they were sent."""
    notes = [_read(path) for path in (run / "jobs").glob("*.json")]
    return sorted(notes, key=lambda submission: submission.number)


def _read(path: Path) -> Submission:
    try:
        content = json.loads(path.read_bytes())
        content["tasks"] = tuple(tuple(task) for task in content["tasks"])
        for field in ("overrides", "seconds"):
            content[field] = tuple(content[field])
        return Submission(**content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "it was written by another version, or damaged; what it sent is unknown to this one"
        raise PipelineError(f"not the note of a submission: {error}", where=str(path), hint=hint) from None
