"""Assignment of packs to jobs by longest processing time (LPT), and the number and walltime of the jobs."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import PipelineError, number_of
from pipeline.launch.clusters.profile import Profile

SAFETY = 2.0
"""Walltime asked for, as a multiple of the time that is expected: an estimate may be wrong by a half."""
LEAST_MINUTES = 10
"""A shorter walltime gains nothing in the queue."""
MOST_MINUTES_LOCAL = 30 * 24 * 60
"""Walltime of a job on a machine without a scheduler."""
MARGIN_SHARE = 0.5
"""The margin before the end of a job is at most this share of its walltime."""
SECONDS_TO_START = 30.0
"""Time from the start of a job to the first update: modules, Python, PyTorch, the data, on a slow file system."""


@dataclass(frozen=True)
class Job:
    """The packs that one job trains, and the expected seconds."""

    packs: tuple[str, ...]
    seconds: float


def lay_out(costs: Mapping[str, float], number: int, workers: int = 1) -> list[Job]:
    """Spread packs over jobs (longest processing time first: Graham 1969, at most 4/3 of the best).

    Args:
        costs: Expected seconds of each pack, by name.
        number: How many jobs.
        workers: Workers of each job, which share its packs.

    Returns:
        The jobs, the longest first; fewer than asked for if there are fewer packs.
    """
    jobs: list[list[str]] = [[] for _ in range(min(number, len(costs)))]
    loads = [(0.0, position) for position in range(len(jobs))]
    for pack in sorted(costs, key=lambda pack: (-costs[pack], pack)):
        load, position = heapq.heappop(loads)
        jobs[position].append(pack)
        heapq.heappush(loads, (load + costs[pack], position))
    laid_out = [job_of(packs, costs, workers) for packs in jobs]
    return sorted(laid_out, key=lambda job: -job.seconds)


def job_of(packs: Sequence[str], costs: Mapping[str, float], workers: int = 1) -> Job:
    """A job with some packs, and how long that takes.

    Args:
        packs: Their names.
        costs: Expected seconds of each pack, by name.
        workers: Workers of the job, which share its packs.

    Returns:
        The job.
    """
    return Job(tuple(packs), _seconds([costs[pack] for pack in packs], workers))


def _seconds(costs: list[float], workers: int) -> float:
    """The makespan of workers that share packs: no less than their share, nor than the longest pack."""
    return max(sum(costs) / workers, max(costs))


def number_of_jobs(costs: Mapping[str, float], profile: Profile, *, links: int, load: int) -> int:
    """Choose the number of jobs: enough that each takes about as long as the profile means it to.

    Args:
        costs: Expected seconds of each pack.
        profile: The cluster.
        links: How many jobs each stands for, in a chain.
        load: Jobs that the user has there already.

    Returns:
        The number, at least 1 and at most one for each pack.

    Raises:
        PipelineError: If the user may send no more jobs.
    """
    if not profile.bands:  # this machine: more jobs at a time than asked for would only slow each other down
        return min(profile.max_running or 1, len(costs))
    wanted = math.ceil(sum(costs.values()) / (profile.job_minutes * 60 * profile.workers))
    if profile.max_jobs is not None:
        free = (profile.max_jobs - load) // links
        if free < 1:
            what = f"you have {number_of(load, 'job')} there, and {profile.max_jobs} are allowed"
            hint = "wait for some to end, or cancel them" if links == 1 else "take a shorter --chain, or wait"
            raise PipelineError(what, hint=hint)
        wanted = min(wanted, free)
    return max(1, min(wanted, len(costs)))


def walltime(job_seconds: float, profile: Profile, nodes: int = 1) -> int:
    """Choose the walltime to ask for: twice what is expected, and what starting and stopping take.

    Where no tier is long enough for what is expected, the longest; the rest then goes on in the next job.

    Args:
        job_seconds: Expected seconds of the longest job.
        profile: The cluster; a walltime that it names itself stays.
        nodes: Nodes of a job.

    Returns:
        Minutes.
    """
    if not profile.bands:
        return profile.walltime_minutes or MOST_MINUTES_LOCAL
    if profile.walltime_minutes is not None:
        return profile.walltime_minutes
    needed = max(LEAST_MINUTES, math.ceil((SAFETY * job_seconds + SECONDS_TO_START + profile.stop_margin_seconds) / 60))
    longest = max(tier.hours for tier in profile.tiers_of_size(nodes))
    return min(needed, int(longest * 60))


def margin_seconds(minutes: int, profile: Profile) -> float:
    """The margin before the end of a job at which a worker stops, in seconds.

    Args:
        minutes: The walltime.
        profile: The cluster.

    Returns:
        The margin of the profile, at most half the walltime.
    """
    return min(profile.stop_margin_seconds, MARGIN_SHARE * 60 * minutes)
