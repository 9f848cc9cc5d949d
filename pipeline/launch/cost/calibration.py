"""Calibration: how long packs take, measured by a short pilot on this machine or by earlier jobs, and cached.

One small file for each kind of pack in ``~/.cache/pipeline/calibration/<place>/``, where a
place is a cluster with or without GPUs, or this machine. What a job has measured on the
cluster itself counts more than a pilot here.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import number_of
from pipeline.experiment.workload import Workload
from pipeline.extensions.loading import load_again, sources
from pipeline.home import cache_folder
from pipeline.launch.clusters.profile import Profile
from pipeline.records.atomic_writes import replacing

if TYPE_CHECKING:
    from pipeline.experiment.experiment import Experiment
    from pipeline.experiment.packing import Pack
    from pipeline.plans import Plan

MOST_PILOTS = 12
"""Kinds of packs that are measured before a submit; the others are judged by the count of their operations."""


@dataclass(frozen=True)
class PackTiming:
    """Seconds that one kind of pack takes.

    Args:
        setup_s: Before the first update, and after the last.
        step_s: One update of the whole pack.
        observe_s: One recorded step.
        by: ``pilot`` or ``job``.
    """

    setup_s: float
    step_s: float
    observe_s: float
    by: str

    def seconds(self, steps: int, recorded_steps: int) -> float:
        """Predict the duration of a training: ``setup_s + steps * step_s + recorded_steps * observe_s``.

        Args:
            steps: Updates.
            recorded_steps: Steps at which the diagnostics look.

        Returns:
            Seconds.
        """
        return self.setup_s + steps * self.step_s + recorded_steps * self.observe_s


@dataclass(frozen=True)
class Costs:
    """Expected seconds of packs.

    Args:
        seconds: Of each pack, by name.
        startup_s: Before a worker begins with its first pack.
        basis: Where the figures come from, in words.
    """

    seconds: Mapping[str, float]
    startup_s: float
    basis: str


STARTUP = "startup"
STARTUP_SECONDS = 8.0
"""Start of a worker where none was measured."""


def costs(
    packs: Sequence[Workload],
    recorded_steps: int,
    profile: Profile,
    cluster: str,
    say: Callable[[str], None],
    plan: Callable[[], Plan],
    expected: Mapping[str, float] | None = None,
) -> Costs:
    """Predict what packs take on a cluster; what is not known of them is measured here first.

    Args:
        packs: To be trained.
        recorded_steps: At how many steps the diagnostics look.
        profile: The cluster.
        cluster: Its name.
        say: Prints that a measurement begins, which takes some seconds.
        plan: Gives the plan with these packs; asked only if some have to be measured.
        expected: What packs that were sent to this cluster before were expected to take, by name.

    Returns:
        Seconds of each pack and before the first, and where they come from.
    """
    expected = expected or {}
    cpus = _at_most_local(profile.cpus)
    cluster_folder, local_folder = place_of(cluster, profile.gpus), place_of(platform.node(), 0, cpus)
    known: dict[str, PackTiming] = {}
    for kind in dict.fromkeys(pack.kind for pack in packs):
        if found := recall(cluster_folder, kind) or recall(local_folder, kind):
            known[kind] = found
    missing = {pack.kind: pack for pack in packs if pack.pack not in expected and pack.kind not in known}
    chosen = sorted(missing.values(), key=lambda pack: pack.operations, reverse=True)
    chosen = chosen[:: max(1, -(-len(chosen) // MOST_PILOTS))]
    if chosen and (len(known) < MOST_PILOTS or not known):
        say(f"measuring {number_of(len(chosen), 'kind')} of packs here, once")
        known |= _pilots(chosen, plan(), cpus, local_folder)
    sample = [(pack, known[pack.kind]) for pack in packs if pack.kind in known]
    seconds = {}
    for pack in packs:
        if cost := known.get(pack.kind):
            seconds[pack.pack] = cost.seconds(pack.requirements.steps, recorded_steps)
        elif pack.pack in expected:
            seconds[pack.pack] = expected[pack.pack]
        else:
            seconds[pack.pack] = _judged(pack, sample, recorded_steps)
    startup = recall(cluster_folder, STARTUP) or recall(local_folder, STARTUP)
    return Costs(seconds, startup.setup_s if startup else STARTUP_SECONDS, _basis(known.values(), cluster))


def _at_most_local(cpus: int | None) -> int | None:
    """Processors of a worker, or of this machine where it has fewer: threads without one of their own slow a pilot."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return None if cpus is None else min(cpus, available)


def _judged(pack: Workload, sample: Sequence[tuple[Workload, PackTiming]], recorded_steps: int) -> float:
    """Seconds of a pack that was not measured, from the nearest of its model by operations."""
    same = [(other, cost) for other, cost in sample if other.requirements.model == pack.requirements.model]
    if not same:
        whole = sum(cost.seconds(other.requirements.steps, recorded_steps) for other, cost in sample)
        return pack.operations * whole / sum(other.operations for other, _ in sample)
    other, cost = min(same, key=lambda pair: abs(pair[0].operations - pack.operations))
    return cost.seconds(other.requirements.steps, recorded_steps) * pack.operations / other.operations


def _basis(known: Iterable[PackTiming], cluster: str) -> str:
    by = {measured.by for measured in known}
    if by == {"job"}:
        return f"measured by jobs on {cluster}"
    if "job" in by:
        return f"measured by jobs on {cluster}, and by a pilot on this machine's processor"
    return "measured by a pilot on this machine's processor"


def remember_job(cluster: str, gpus: int, pack: Workload, seconds: float) -> None:
    """Remember how long a whole pack took in a job on a cluster.

    Args:
        cluster: Name of the cluster.
        gpus: GPUs of the job.
        pack: The pack that was trained.
        seconds: What it took from its first step to its last, its setup included.
    """
    remember(place_of(cluster, gpus), pack.kind, PackTiming(0.0, seconds / pack.requirements.steps, 0.0, "job"))


def remember_startup(cluster: str, gpus: int, seconds: float) -> None:
    """Remember how long a worker took to begin with its first pack.

    Args:
        cluster: Name of the cluster.
        gpus: GPUs of the job.
        seconds: From the start of the job to the first pack.
    """
    remember(place_of(cluster, gpus), STARTUP, PackTiming(seconds, 0.0, 0.0, "job"))


def place_of(name: str, gpus: int, cpus: int | None = None) -> Path:
    """The folder of what was measured in one place.

    Args:
        name: Of the cluster, or of this machine.
        gpus: GPUs of a job.
        cpus: Processors of a worker, where that matters: on this machine.

    Returns:
        The folder, which may not be there yet.
    """
    device = "gpu" if gpus else f"cpu{cpus or ''}"
    return cache_folder() / "calibration" / f"{name}-{device}"


def recall(place: Path, kind: str) -> PackTiming | None:
    """What was measured of a kind of packs in one place; none if nothing was, or by another version.

    Args:
        place: As ``place_of`` names it.
        kind: Of the packs.

    Returns:
        The timing.
    """
    try:
        return PackTiming(**json.loads((place / f"{kind}.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def remember(place: Path, kind: str, measured: PackTiming) -> None:
    """Keep what was measured; where it cannot be kept the next estimate measures again.

    Args:
        place: As ``place_of`` names it.
        kind: Of the packs.
        measured: Their timing.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        with replacing(place / f"{kind}.json") as part:
            part.write_text(json.dumps(dataclasses.asdict(measured)) + "\n")
    except OSError:  # a full or missing home
        return


def _pilots(chosen: Sequence[Workload], plan: Plan, cpus: int | None, local_folder: Path) -> dict[str, PackTiming]:
    """Measure packs of a plan in a process of their own, which has the processors of a worker."""
    named = {pack.id: pack for pack in plan.packs}
    packs = [named[workload.pack] for workload in chosen]
    spawn, known = multiprocessing.get_context("spawn"), sources(plan.experiment.use)
    with _processors(cpus), concurrent.futures.ProcessPoolExecutor(1, spawn, load_again, (known,)) as pool:
        began = time.time()
        timings, ready = pool.submit(_measure, packs, plan.experiment).result()
    remember(local_folder, STARTUP, PackTiming(ready - began, 0.0, 0.0, "pilot"))
    found = {workload.kind: timing for workload, timing in zip(chosen, timings, strict=True)}
    for kind, timing in found.items():
        remember(local_folder, kind, timing)
    return found


def _measure(packs: Sequence[Pack], experiment: Experiment) -> tuple[list[PackTiming], float]:
    from pipeline.training.timing import measure

    ready = time.time()
    timings = [measure(pack, experiment, "cpu") for pack in packs]
    return [PackTiming(timing.setup_s, timing.step_s, timing.observe_s, "pilot") for timing in timings], ready


@contextmanager
def _processors(cpus: int | None) -> Iterator[None]:
    """Give processes that begin in the block some number of processors."""
    before = os.environ.get("OMP_NUM_THREADS")
    if cpus is not None:
        os.environ["OMP_NUM_THREADS"] = str(cpus)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS", None)
        else:
            os.environ["OMP_NUM_THREADS"] = before
