"""Cost estimate of a submission: time, memory, GPU-hours, the site's units, and whether a GPU would be busy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import polars as pl

from pipeline.errors import FieldError, PipelineError
from pipeline.experiment.workload import Workload
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.notes.submission import Submission

PROCESS_GIB = {False: 0.75, True: 3.0}
"""Memory of a worker before its first pack, without and with a GPU: PyTorch, Lightning, and the CUDA context."""
LAUNCHES_OF_STEP = 30
"""Kernels that an update of a pack launches on a GPU."""
SECONDS_OF_LAUNCH = 5e-6
GPU_RATE = 1e13
"""Floating-point operations a second that stacked small matrix products may reach on a GPU of these clusters."""
IDLE_BELOW = 0.3
"""Share of its time that a GPU should be busy at least."""


@dataclass(frozen=True)
class CostEstimate:
    """The expected cost of submissions together.

    Args:
        jobs: How many jobs.
        job_seconds: The longest job.
        gpu_hours: Of all jobs as expected.
        cost: In the site's units, as expected.
        reserved: In the site's units, if every job used all of its walltime.
        memory_gib: Memory of a job on a node.
        warnings: What a person should know before sending this.
    """

    jobs: int
    job_seconds: float
    gpu_hours: float
    cost: Mapping[str, float]
    reserved: Mapping[str, float]
    memory_gib: float
    warnings: tuple[str, ...]


def estimate(
    submissions: Sequence[Submission], packs: Mapping[str, Workload], cluster: Cluster, startup_s: float, nodes: int = 1
) -> CostEstimate:
    """Estimate what submissions take before they are sent.

    Args:
        submissions: What is to be sent; of a chain, only the first link is expected to work, which may be in flight.
        packs: The packs by name.
        cluster: Where.
        startup_s: Before a worker begins.
        nodes: Nodes of a job.

    Returns:
        Time, memory and cost of all of them together, and what a person should know.

    Raises:
        PipelineError: If a job needs more memory than it asks for.
    """
    profile = cluster.profile
    cost: dict[str, float] = {}
    reserved: dict[str, float] = {}
    gpu_hours = 0.0
    working = [submission for submission in submissions if submission.link == 0]
    judged = working or submissions
    for submission in working:
        for seconds in submission.seconds:
            hours = (seconds + startup_s) / 3600
            gpu_hours += hours * profile.gpus * nodes
            _add(cost, _units(profile, hours, submission.minutes, nodes))
            _add(reserved, _units(profile, submission.minutes / 60, submission.minutes, nodes))
    return CostEstimate(
        jobs=sum(len(submission.tasks) for submission in submissions),
        job_seconds=startup_s + max(seconds for submission in judged for seconds in submission.seconds),
        gpu_hours=gpu_hours,
        cost=cost,
        reserved=reserved,
        memory_gib=max(_memory_gib(submission, packs, profile, cluster.name) for submission in judged),
        warnings=tuple(_warnings(judged, packs, profile, startup_s, chained=len(working) < len(submissions))),
    )


def table(submissions: Sequence[Submission], packs: Mapping[str, Workload], startup_s: float) -> pl.DataFrame:
    """One row per array that is to be sent.

    Args:
        submissions: What is to be sent.
        packs: Their packs, by name.
        startup_s: Before a worker begins.

    Returns:
        One row per array, in the order in which they are sent.
    """
    rows = [
        {
            "array": submission.name,
            "link": submission.link,
            "jobs": len(submission.tasks),
            "packs": sum(len(task) for task in submission.tasks),
            "trials": sum(packs[pack].num_trials for task in submission.tasks for pack in task),
            "longest job s": startup_s + max(submission.seconds),
            "walltime min": submission.minutes,
            "memory GiB": submission.memory_gib,
            "GPUs of a job": submission.gpus,
        }
        for submission in submissions
    ]
    return pl.DataFrame(rows)


def _units(profile: Profile, hours: float, minutes: int, nodes: int) -> dict[str, float]:
    return profile.cost(hours, profile.tier(minutes, nodes), nodes) if profile.bands else {}


def _add(total: dict[str, float], more: Mapping[str, float]) -> None:
    for unit, amount in more.items():
        total[unit] = total.get(unit, 0.0) + amount


def _memory_gib(submission: Submission, packs: Mapping[str, Workload], profile: Profile, cluster: str) -> float:
    """Memory that a job of a submission needs on a node."""
    largest = max(packs[pack].memory_bytes for task in submission.tasks for pack in task)
    on_gpu = profile.gpus > 0 and submission.how.get("accelerator") != "cpu"
    needed = profile.workers * (PROCESS_GIB[on_gpu] + largest / 2**30)
    if submission.memory_gib is not None and needed > submission.memory_gib:
        what = f"a job needs about {needed:.1f} GiB, and {cluster} gives it {submission.memory_gib:g}"
        hint = f"--set cluster.memory_gib={needed / profile.workers * 1.2:.1f}, or a smaller pack_memory_gib"
        raise PipelineError(what, hint=hint)
    return needed


def _warnings(
    submissions: Sequence[Submission],
    packs: Mapping[str, Workload],
    profile: Profile,
    startup_s: float,
    *,
    chained: bool,
) -> Iterable[str]:
    chosen = [packs[pack] for submission in submissions for task in submission.tasks for pack in task]
    if profile.gpus:
        busy = gpu_busy(chosen)
        if busy < IDLE_BELOW:
            yield (
                f"a GPU would be busy for about {100 * busy:.2g} % of the time, by the count of operations and "
                f"launches, and some sites end such jobs; {_without_gpus(profile)}"
            )
    for submission in submissions:
        stop_after = 60 * submission.minutes - submission.margin_seconds
        if startup_s + max(submission.seconds) > stop_after and not submission.requeue and not chained:
            longest = f"the longest job takes more than its walltime of {submission.minutes} min"
            yield f"{longest}: add --chain, or submit again"
            return


def _without_gpus(profile: Profile) -> str:
    """Advice on doing without GPUs: on this cluster where it has a queue for such jobs, and elsewhere where not."""
    if not profile.bands:
        return "without GPUs: --set cluster.gpus=0"
    queue = queue_without_gpus(profile)
    if queue is None:
        return "this cluster takes no jobs without GPUs, so take another one, or your own machine (--cluster local)"
    elsewhere = f" --set cluster.queue={queue}" if profile.queue and queue != profile.queue else ""
    return f"without GPUs: --set cluster.gpus=0{elsewhere}"


def queue_without_gpus(profile: Profile) -> str | None:
    """The queue that takes jobs of a cluster without GPUs: its usual one, if that does.

    Args:
        profile: The cluster.

    Returns:
        Its name, empty where queues have none; none if no queue does.
    """
    for queue in dict.fromkeys((profile.queue, None)):
        with suppress(FieldError):
            tiers = dataclasses.replace(profile, gpus=0, queue=queue, walltime_minutes=None).tiers_of_size()
            return tiers[0].queue or ""
    return None


def gpu_busy(packs: Sequence[Workload]) -> float:
    """Share of its time in which a GPU computes, by the count of operations and of launches."""
    computing = sum(
        pack.requirements.steps * pack.num_trials * pack.requirements.operations / GPU_RATE for pack in packs
    )
    launching = sum(pack.requirements.steps * LAUNCHES_OF_STEP * SECONDS_OF_LAUNCH for pack in packs)
    return computing / max(computing + launching, 1e-300)
