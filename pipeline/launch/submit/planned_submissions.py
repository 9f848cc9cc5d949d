"""Planned submissions: those that would send some packs, links of a chain included. Nothing is sent here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import PipelineError, number_of
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.notes.submission import Submission
from pipeline.launch.submit.assignment import Job, job_of, lay_out, margin_seconds, number_of_jobs, walltime
from pipeline.launch.submit.job_chains import MissingLinks


@dataclass(frozen=True)
class SubmissionRequest:
    """A submission request: what is to be sent, and how.

    Args:
        cluster: Where.
        costs: Expected seconds of each pack, by name.
        memory: Packs that need more memory than the profile says, and how much on a node, in GiB.
        links: Submissions of a chain: 1 for no chain.
        load: Jobs that the user has there already.
        nodes: Nodes of a job.
        together: Whether all workers of a job train each pack together.
        how: Fields of the experiment that say how it is computed.
        minutes: The least walltime of packs that need one, in minutes.
    """

    cluster: Cluster
    costs: Mapping[str, float]
    memory: Mapping[str, float]
    links: int = 1
    load: int = 0
    nodes: int = 1
    together: bool = False
    how: Mapping[str, Any] = field(default_factory=dict)
    minutes: Mapping[str, int] = field(default_factory=dict)


def plan_submissions(
    request: SubmissionRequest, code: str, first_name: str, missing: Sequence[MissingLinks] = ()
) -> list[Submission]:
    """Plan the submissions that send all packs of a request.

    Args:
        request: What is to be sent.
        code: Version of the code.
        first_name: Name of the first; the others count on from it.
        missing: Chains in flight that lack links, which come first. Their packs have costs too.

    Returns:
        The submissions, in the order in which they are to be sent.

    Raises:
        PipelineError: If the limits of the cluster do not allow it.
    """
    stem, _, number = first_name.rpartition("-")
    found: list[Submission] = []

    def add_links(jobs: tuple[Job, ...], memory_gib: float | None, links: range, before: str | None) -> None:
        for link in links:
            submission = _planned(request, jobs, memory_gib, code, f"{stem}-{int(number) + len(found)}")
            found.append(dataclasses.replace(submission, link=link, after=before))
            before = submission.name

    for chain in missing:
        add_links(
            _jobs_of(chain, request),
            _most(chain.before.memory_gib, request.cluster.profile),
            chain.links,
            chain.before.name,
        )
    load = request.load + sum(len(submission.tasks) for submission in found)
    most = request.cluster.profile.max_jobs
    if found and most is not None and load > most:
        there = f"you have {number_of(request.load, 'job')} there, {most} are allowed"
        what = f"{there}, and missing links are {load - request.load} more"
        raise PipelineError(what, hint="take a shorter --chain, or wait for some to end")
    in_flight = {pack for chain in missing for task in chain.tasks for pack in task}
    new = {pack: seconds for pack, seconds in request.costs.items() if pack not in in_flight}
    for jobs, memory_gib in _arrays(dataclasses.replace(request, costs=new, load=load)):
        add_links(jobs, memory_gib, range(request.links), None)
    return found


def _jobs_of(chain: MissingLinks, request: SubmissionRequest) -> tuple[Job, ...]:
    """The jobs of a missing link: those of the one before, without what is finished."""
    workers = 1 if request.together else request.cluster.profile.workers
    return tuple(job_of(task, request.costs, workers) for task in chain.tasks)


def _most(memory_gib: float | None, profile: Profile) -> float | None:
    """The memory of a link: that of the one before, which a retry may have raised, or that of the profile now."""
    usual = profile.memory_gib_of_job
    return usual if memory_gib is None or usual is None else max(memory_gib, usual)


def _planned(
    request: SubmissionRequest, jobs: tuple[Job, ...], memory_gib: float | None, code: str, name: str
) -> Submission:
    profile = request.cluster.profile
    least = max(request.minutes.get(pack, 0) for job in jobs for pack in job.packs)
    minutes = max(walltime(max(job.seconds for job in jobs), profile, request.nodes), least)
    return Submission(
        name=name,
        cluster=request.cluster.name,
        overrides=request.cluster.overrides,
        scheduler=profile.scheduler,
        slurm_conf=profile.slurm_conf,
        tasks=tuple(job.packs for job in jobs),
        seconds=tuple(round(job.seconds, 3) for job in jobs),
        costs={pack: round(request.costs[pack], 3) for job in jobs for pack in job.packs},
        minutes=minutes,
        memory_gib=memory_gib,
        margin_seconds=margin_seconds(minutes, profile),
        gpus=profile.gpus,
        requeue=profile.requeue and request.links == 1,
        link=0,
        after=None,
        code=code,
        sent_at=time.time(),
        how=dict(request.how),
        wandb=profile.wandb,
        wandb_entity=profile.wandb_entity,
        wandb_project=profile.wandb_project,
    )


def _arrays(request: SubmissionRequest) -> Iterator[tuple[tuple[Job, ...], float | None]]:
    """Jobs in arrays no longer than the site allows, those that need alike together."""
    profile = request.cluster.profile
    longest = profile.max_array if profile.bands else 1
    load = request.load
    groups = list(_by_need(request))
    for position, (memory_gib, costs) in enumerate(groups):
        kept_free = request.links * (len(groups) - position - 1)  # a job for each group that is still to come
        number = number_of_jobs(costs, profile, links=request.links, load=load + kept_free)
        jobs = lay_out(costs, number, 1 if request.together else profile.workers)
        load += len(jobs) * request.links
        for first in range(0, len(jobs), longest):
            yield tuple(jobs[first : first + longest]), memory_gib


def _by_need(request: SubmissionRequest) -> Iterator[tuple[float | None, dict[str, float]]]:
    """The packs that need the same memory and the same least walltime: the memory, and what they cost."""
    usual = request.cluster.profile.memory_gib_of_job
    needs = {pack: (request.memory.get(pack, usual), request.minutes.get(pack, 0)) for pack in request.costs}
    for need in dict.fromkeys(needs.values()):
        yield need[0], {pack: cost for pack, cost in request.costs.items() if needs[pack] == need}
