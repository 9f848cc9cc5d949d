"""Drafts: the submissions that would send some packs, links of a chain included. Nothing is sent here."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.notes.submission import Submission
from pipeline.launch.submit.assignment import Job, job_of, lay_out, margin_seconds, number_of_jobs, walltime
from pipeline.launch.submit.job_chains import Cut


@dataclass(frozen=True)
class Wish:
    """What is to be sent, and how.

    Args:
        cluster: Where.
        costs: Expected seconds of each pack, by name.
        memory: Packs that need more memory than the profile says, and how much on a node, in GiB.
        links: Submissions of a chain: 1 for no chain.
        load: Jobs that the user has there already.
        nodes: Nodes of a job.
        together: Whether all workers of a job train each pack together.
        how: Fields of the experiment that say how it is computed.
        minutes: Packs that need at least so many minutes of walltime.
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


def drafts(wish: Wish, code: str, first_name: str, cuts: Sequence[Cut] = ()) -> list[Submission]:
    """The submissions that send all packs of a wish, in the order in which they are to be sent.

    Args:
        wish: What is to be sent.
        code: Version of the code.
        first_name: Name of the first; the others count on from it.
        cuts: Chains in flight that lack links, which come first. Their packs have costs too.

    Raises:
        PipelineError: If the limits of the cluster do not allow it.
    """
    stem, _, number = first_name.rpartition("-")
    found: list[Submission] = []

    def chain(jobs: tuple[Job, ...], memory_gib: float | None, links: range, before: str | None) -> None:
        for link in links:
            draft = _draft(wish, jobs, memory_gib, code, f"{stem}-{int(number) + len(found)}")
            found.append(dataclasses.replace(draft, link=link, after=before))
            before = draft.name

    for cut in cuts:
        chain(_jobs_of(cut, wish), _most(cut.before.memory_gib, wish.cluster.profile), cut.links, cut.before.name)
    load = wish.load + sum(len(draft.tasks) for draft in found)
    most = wish.cluster.profile.max_jobs
    if found and most is not None and load > most:
        what = f"{wish.load} jobs of yours are there, {most} are allowed, and missing links are {load - wish.load} more"
        raise PipelineError(what, hint="take a shorter --chain, or wait for some to end")
    flying = {pack for cut in cuts for task in cut.tasks for pack in task}
    new = {pack: seconds for pack, seconds in wish.costs.items() if pack not in flying}
    for jobs, memory_gib in _arrays(dataclasses.replace(wish, costs=new, load=load)):
        chain(jobs, memory_gib, range(wish.links), None)
    return found


def _jobs_of(cut: Cut, wish: Wish) -> tuple[Job, ...]:
    """The jobs of a missing link: those of the one before, without what is finished."""
    workers = 1 if wish.together else wish.cluster.profile.workers
    return tuple(job_of(task, wish.costs, workers) for task in cut.tasks)


def _most(memory_gib: float | None, profile: Profile) -> float | None:
    """What a link asks for: what the one before had, which a retry may have raised, or what the profile says now."""
    usual = profile.memory_gib_of_job
    return usual if memory_gib is None or usual is None else max(memory_gib, usual)


def _draft(wish: Wish, jobs: tuple[Job, ...], memory_gib: float | None, code: str, name: str) -> Submission:
    profile = wish.cluster.profile
    least = max(wish.minutes.get(pack, 0) for job in jobs for pack in job.packs)
    minutes = max(walltime(max(job.seconds for job in jobs), profile, wish.nodes), least)
    return Submission(
        name=name,
        cluster=wish.cluster.name,
        overrides=wish.cluster.overrides,
        scheduler=profile.scheduler,
        slurm_conf=profile.slurm_conf,
        tasks=tuple(job.packs for job in jobs),
        seconds=tuple(round(job.seconds, 3) for job in jobs),
        costs={pack: round(wish.costs[pack], 3) for job in jobs for pack in job.packs},
        minutes=minutes,
        memory_gib=memory_gib,
        margin_seconds=margin_seconds(minutes, profile),
        gpus=profile.gpus,
        requeue=profile.requeue and wish.links == 1,
        link=0,
        after=None,
        code=code,
        sent_at=time.time(),
        how=dict(wish.how),
        wandb=profile.wandb,
        wandb_entity=profile.wandb_entity,
        wandb_project=profile.wandb_project,
    )


def _arrays(wish: Wish) -> Iterator[tuple[tuple[Job, ...], float | None]]:
    """Jobs in arrays no longer than the site allows, those that need alike together."""
    profile = wish.cluster.profile
    longest = profile.max_array if profile.bands else 1
    load = wish.load
    groups = list(_by_need(wish))
    for position, (memory_gib, costs) in enumerate(groups):
        kept_free = wish.links * (len(groups) - position - 1)  # a job for each group that is still to come
        number = number_of_jobs(costs, profile, links=wish.links, load=load + kept_free)
        jobs = lay_out(costs, number, 1 if wish.together else profile.workers)
        load += len(jobs) * wish.links
        for first in range(0, len(jobs), longest):
            yield tuple(jobs[first : first + longest]), memory_gib


def _by_need(wish: Wish) -> Iterator[tuple[float | None, dict[str, float]]]:
    """The packs that need the same memory and the same least walltime: the memory, and what they cost."""
    usual = wish.cluster.profile.memory_gib_of_job
    needs = {pack: (wish.memory.get(pack, usual), wish.minutes.get(pack, 0)) for pack in wish.costs}
    for need in dict.fromkeys(needs.values()):
        yield need[0], {pack: cost for pack, cost in wish.costs.items() if needs[pack] == need}
