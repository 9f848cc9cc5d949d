"""The interface of every scheduler: sending, listing and cancelling jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

State = Literal["pending", "running"]

MOST_REQUEUES = 1000
"""How often submitit lets a job queue itself again; what bounds it here is that each attempt gets further."""


@dataclass(frozen=True)
class JobRequest:
    """Resources and options that are requested for each task of an array.

    Args:
        name: Name of the job.
        minutes: Walltime.
        workers: Processes on a node, one for each GPU.
        nodes: Nodes of a task.
        gpus: GPUs of a task on one node.
        gpu_type: Name of the GPU as the scheduler has it.
        cpus: Processors of a worker; none where the site fills it in.
        memory_gib: Memory on one node; none where the site fills it in.
        queue: Queue or partition.
        account: Account to charge.
        project: Project to charge.
        qos: Quality of service.
        exclude: Nodes to stay away from.
        at_a_time: Tasks that run at a time.
        after: Id of the job that has to end before.
        after_name: Name of the submission that it belongs to.
        setup: Shell lines before the worker starts.
        python: Command that starts Python.
        signal_seconds: How long before the walltime a warning signal comes, where there is one.
        requeue: Whether the job may be queued again.
        chunk: More resources of each chunk of a ``select`` (PBS).
        options: More options of the command, word for word.
    """

    name: str
    minutes: int
    workers: int
    gpus: int
    python: str
    setup: tuple[str, ...]
    at_a_time: int
    nodes: int = 1
    gpu_type: str | None = None
    cpus: int | None = None
    memory_gib: float | None = None
    queue: str | None = None
    account: str | None = None
    project: str | None = None
    qos: str | None = None
    exclude: tuple[str, ...] = ()
    after: str | None = None
    after_name: str | None = None
    signal_seconds: int = 90
    requeue: bool = False
    chunk: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class SchedulerTask:
    """A job, or an array task, that a scheduler still holds.

    Args:
        id: As submitit has it: ``1234_7``, or ``1234`` of a single job.
        name: Name of the job.
        state: Whether it runs or waits.
        reason: Why it waits, in the scheduler's words.
        ending: Whether it was cancelled, or its work is over and its node is being cleaned up.
    """

    id: str
    name: str
    state: State
    reason: str = ""
    ending: bool = False


class Scheduler(ABC):
    """One scheduler; every method that asks it raises ``PipelineError`` if it cannot be asked."""

    @abstractmethod
    def executor(self, folder: Path, request: JobRequest) -> Any:
        """Make the submitit executor that sends such jobs.

        Args:
            folder: Where it keeps its files.
            request: What is asked for.

        Returns:
            An executor of submitit; its class is the scheduler's own.
        """

    @abstractmethod
    def script(self, folder: Path, request: JobRequest, num_tasks: int) -> str:
        """Render the exact script that would be sent for an array; works where there is no scheduler.

        Args:
            folder: Where submitit would keep its files.
            request: What is asked for.
            num_tasks: Tasks of the array.

        Returns:
            The script.
        """

    @abstractmethod
    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[SchedulerTask]:
        """List the tasks that it still holds of some jobs; one that is not among them has ended.

        An array that it only speaks of as a whole is one task, with the id of the array.

        Args:
            jobs: The submitit folder of each job, by id.
            names: Names of jobs.

        Returns:
            The tasks.
        """

    def find(self, folder: Path, name: str) -> str | None:
        """Find the job with a name that nobody else has; its folder is made complete.

        Args:
            folder: The submitit folder of the submission.
            name: Of the job.

        Returns:
            Its id, of an array that of the whole; none if it is not there.
        """
        found = self.tasks({}, [name])
        return found[0].id.split("_")[0] if found else None

    @abstractmethod
    def cancel(self, folder: Path, tasks: Sequence[str]) -> None:
        """End jobs, whole arrays or single tasks, by their ids.

        Args:
            folder: The submitit folder of the submission.
            tasks: Ids as submitit has them; that of an array alone is the whole array.
        """

    def throws_away(self, job: str, before: str, folders: Mapping[str, Path]) -> bool:
        """Whether a job that was sent to wait for another one was deleted as it arrived: the other had ended.

        Args:
            job: Its id; the command that sent it has ended without an error.
            before: Id of the job that it waits for.
            folders: The submitit folder of each.

        Returns:
            Whether it was.
        """
        return False

    def close(self, job: str, folder: Path) -> bool:
        """End a job that is over in all but name, so that others wait for it no longer.

        Args:
            job: Its id.
            folder: Its submitit folder.

        Returns:
            Whether it was such a one.
        """
        return False

    def load(self) -> int:
        """Count the jobs that the user has there, tasks of arrays counted."""
        return 0
