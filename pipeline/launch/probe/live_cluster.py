"""Live cluster: queues, nodes and limits as its scheduler reports them, in the same fields for SLURM and PBS."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.queues import Node
from pipeline.launch.commands import own_words, run


@dataclass(frozen=True)
class LiveQueue:
    """A queue or partition.

    Args:
        name: What it is called.
        default: Whether jobs that name no queue go there.
        closed: Why it takes no jobs, or nothing.
        hours: Longest walltime, infinite where there is no limit; none where the site does not report it.
        gpus: Least and most GPUs of a job; none where the site does not report it.
        running: Jobs of one user that run at a time; none where the site does not report it.
        gpu_types: GPUs of a node by type, which is empty where types are not reported.
        leads_to: Queues that it hands its jobs to.
        hidden: Whether jobs get there only by way of another queue.
    """

    name: str
    default: bool = False
    closed: str = ""
    hours: float | None = None
    gpus: tuple[int | None, int | None] = (None, None)
    running: int | None = None
    gpu_types: Mapping[str, int] = field(default_factory=dict)
    leads_to: tuple[str, ...] = ()
    hidden: bool = False

    def takes(self, gpus: int) -> bool:
        """Whether jobs with N GPUs are let in, as far as it is reported."""
        least, most = self.gpus
        return (least or 0) <= gpus <= (math.inf if most is None else most)


@dataclass(frozen=True)
class LiveCluster:
    """A live cluster; what is none is not reported.

    Args:
        scheduler: Its name and version.
        queues: All its queues.
        nodes: Its kinds of nodes.
        max_array: Tasks of one array.
        max_jobs: Jobs of this user, queued and running.
        history_hours: How long it remembers jobs.
        requeue: Whether a job may be queued again.
        accounts: Accounts that this user may charge.
        qos: Qualities of service that this user may ask for.
        remarks: What is worth knowing beside: a name, what is said, what it means.
    """

    scheduler: str
    queues: tuple[LiveQueue, ...] = ()
    nodes: tuple[Node, ...] = ()
    max_array: int | None = None
    max_jobs: int | None = None
    history_hours: float | None = None
    requeue: bool | None = None
    accounts: tuple[str, ...] | None = None
    qos: tuple[str, ...] | None = None
    remarks: tuple[tuple[str, str, str], ...] = ()

    def queue(self, name: str | None) -> LiveQueue | None:
        """The queue of a name, or the default one."""
        return next((queue for queue in self.queues if queue.name == name or (name is None and queue.default)), None)

    def behind(self, queue: LiveQueue) -> tuple[LiveQueue, ...]:
        """The queues in which jobs really run that are sent to one."""
        found = [self.queue(name) for name in queue.leads_to]
        return tuple(there for there in found if there is not None) or (queue,)


class NotReportedError(Exception):
    """A command that failed, with its own words."""


def ask(command: Sequence[str], cluster: Cluster) -> str:
    """Run a command of the scheduler that a site may keep from its users.

    Args:
        command: Its words.
        cluster: Whose.

    Returns:
        What it printed.

    Raises:
        PipelineError: If it is not there or does not answer.
        NotReportedError: If it fails.
    """
    profile = cluster.profile
    settings = {"SLURM_CONF": profile.slurm_conf} if profile.slurm_conf else {}
    done = run(command, settings=settings, cluster=cluster.name, contact=profile.contact)
    if done.returncode:
        raise NotReportedError(own_words(done))
    return done.stdout


def need(command: Sequence[str], cluster: Cluster) -> str:
    """Run a command of the scheduler without which nothing is known.

    Args:
        command: Its words.
        cluster: Whose.

    Returns:
        What it printed.

    Raises:
        PipelineError: If it is not there, does not answer, or fails; with its own words.
    """
    try:
        return ask(command, cluster)
    except NotReportedError as error:
        what = f"{cluster.name} could not be asked: {command[0]}: {error}"
        raise PipelineError(what, hint="the scheduler may be down; try again later") from None


def least(values: Sequence[int | None]) -> int | None:
    """The smallest of the limits that are reported."""
    return min((value for value in values if value is not None), default=None)
