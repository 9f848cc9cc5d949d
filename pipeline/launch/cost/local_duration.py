"""Duration of a run on this machine, before its first hour is spent: a range, and what it rests on.

What a few of the packs take is measured by timing runs, once for each kind of pack; the others are judged by their
operations beside those. Where even a count that is far off says that it is soon done, nothing is measured.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.durations import duration
from pipeline.launch.cost.calibration import PackTiming, place_of, recall, remember
from pipeline.launch.cost.estimate import PROCESS_GIB

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.experiment.packing import Pack
    from pipeline.experiment.workload import Workload
    from pipeline.plans import Plan

SOON_S = 60.0
"""What is done sooner deserves no measurement, which itself takes some seconds."""
MEASURING_S = 2.0
"""Time after which none but a model that has had no timing run gets one; to import what trains takes as long again."""
MOST_MODELS, MOST_KINDS = 5, 10
BUDGET_S = 0.1
"""Time of the updates of one timing run."""
OPERATIONS_A_SECOND = 2e10
PACK_S = 0.1
"""A pack besides its updates; both as measured over twelve experiments for the progress of a run."""
COUNT_IS_OFF = 8.0
"""Factor by which the count of operations was off over seven experiments, either way: at most 6.1."""
JUDGED_IS_OFF = 2.0
"""The same of packs that were judged beside others of their model which were measured, all together: at most 1.6."""
MEASURED_IS_OFF = 1.5
"""The same of packs that were measured, on a machine that is doing as much as it was then."""


@dataclass(frozen=True)
class LocalDuration:
    """What a run will take here.

    Args:
        least_s: Seconds, if all goes fast.
        most_s: Seconds, if all goes slowly.
        memory_gib: Of the process.
        measured: Fraction of the time that rests on measurements, from 0 to 1.
    """

    least_s: float
    most_s: float
    memory_gib: float
    measured: float

    def __str__(self) -> str:
        """The range in words."""
        memory = f"with {self.memory_gib:.1f} GiB of memory"
        if self.most_s < SOON_S:
            return f"that takes less than a minute here, {memory}"
        between = f"that takes {duration(self.least_s)} to {duration(self.most_s)} here, {memory}"
        if not self.measured:
            return f"{between}; by the count of operations, which may be off by {COUNT_IS_OFF:g} times"
        return f"{between}; {100 * self.measured:.0f} % of that is measured"


def local_duration(
    plan: Plan, left: Sequence[Pack], say: Callable[[str], None], *, quick: bool = False
) -> LocalDuration:
    """Predict what training some packs takes on this machine, one after another as ``run`` trains them.

    Args:
        plan: With these packs.
        left: Those that are to be trained.
        say: Prints that something is measured, which takes some seconds.
        quick: Whether nothing is measured now; what was measured before counts.

    Returns:
        The range, and the memory.
    """
    import torch

    gpus = int(plan.experiment.accelerator != "cpu" and torch.cuda.is_available())
    place, manifest = place_of(platform.node(), gpus), plan.manifest
    packs = {pack.id: pack for pack in left}
    workloads = [manifest.workloads[pack] for pack in packs]
    known = {kind: timing for kind in {load.kind for load in workloads} if (timing := recall(place, kind))}
    if not quick and counted_range(workloads)[1] >= SOON_S:
        unknown = [load for load in worth_measuring(workloads) if load.kind not in known]
        if unknown:
            say("measuring some packs here, once, which takes some seconds; --quick goes without")
            known |= _timed(plan, {load.kind: packs[load.pack] for load in unknown}, place)
    least, most, measured = _range(workloads, known, manifest.recorded_steps)
    memory = max((load.memory_bytes for load in workloads), default=0) / 2**30
    return LocalDuration(least, most, PROCESS_GIB[bool(gpus)] + memory, measured)


def counted_s(load: Workload, off: float = 1.0, of_pack: float = 1.0) -> float:
    """Seconds of a pack by the count of its operations alone.

    Args:
        load: The pack.
        off: Factor by which its updates take longer.
        of_pack: Factor by which all else of it does.

    Returns:
        Seconds.
    """
    return of_pack * PACK_S + off * load.operations / OPERATIONS_A_SECOND


def counted_range(workloads: Sequence[Workload]) -> tuple[float, float]:
    """Least and most seconds of packs together by the count of their operations alone."""
    least = sum(counted_s(load, 1 / COUNT_IS_OFF, 1 / 2) for load in workloads)
    return least, sum(counted_s(load, COUNT_IS_OFF, 2) for load in workloads)


def worth_measuring(workloads: Sequence[Workload]) -> list[Workload]:
    """A pack of each of some kinds: of each model the kind with most of the work, then those with most of all.

    Args:
        workloads: Packs of any kinds.

    Returns:
        At most ``MOST_KINDS``, in the order in which they are worth it.
    """
    whole: dict[str, float] = {}
    for load in workloads:
        whole[load.kind] = whole.get(load.kind, 0.0) + counted_s(load)
    kinds = {load.kind: load for load in reversed(workloads)}
    heaviest = sorted(kinds.values(), key=lambda load: whole[load.kind], reverse=True)
    of_models = {load.requirements.model: load for load in reversed(heaviest)}
    firsts = [load for load in heaviest if of_models[load.requirements.model] is load]
    return [*firsts, *(load for load in heaviest if load not in firsts)][:MOST_KINDS]


def _timed(plan: Plan, packs: Mapping[str, Pack], place: Path) -> dict[str, PackTiming]:
    """Timing runs of packs by kind, as many as there is time for; they are remembered."""
    from pipeline.training.timing import measure  # takes seconds

    found: dict[str, PackTiming] = {}
    until = time.monotonic() + MEASURING_S
    for kind, pack in packs.items():
        seen = {packs[done].shape.model for done in found}
        if time.monotonic() >= until and (pack.shape.model in seen or len(seen) >= MOST_MODELS):
            break
        timing = measure(pack, plan.experiment, plan.experiment.accelerator, budget_s=BUDGET_S)
        found[kind] = PackTiming(timing.setup_s, timing.step_s, timing.observe_s, "pilot")
        remember(place, kind, found[kind])
    return found


def _range(
    workloads: Sequence[Workload], known: Mapping[str, PackTiming], recorded_steps: int
) -> tuple[float, float, float]:
    """What packs take together: those that were not measured are judged by their operations beside those that were.

    Args:
        workloads: The packs.
        known: What was measured, by kind.
        recorded_steps: At how many steps the diagnostics look.

    Returns:
        The least and the most seconds, and the fraction of the likely ones that was measured.
    """
    if not known:
        return *counted_range(workloads), 0.0
    measured_s = {
        load.pack: known[load.kind].seconds(load.requirements.steps, recorded_steps)
        for load in workloads
        if load.kind in known
    }
    ratios: dict[str, float] = {}
    for model in {load.requirements.model for load in workloads} | {""}:
        same = [load for load in workloads if load.pack in measured_s and model in ("", load.requirements.model)]
        if same:
            ratios[model] = sum(measured_s[load.pack] for load in same) / sum(map(counted_s, same))
    judged = [(load, ratios.get(load.requirements.model)) for load in workloads if load.pack not in measured_s]
    sure = sum(measured_s.values())
    likely = sum(counted_s(load) * ratio for load, ratio in judged if ratio is not None)
    vague = sum(counted_s(load) for load, ratio in judged if ratio is None) * ratios.get("", 1.0)
    whole = sure + likely + vague
    ways = ((sure, MEASURED_IS_OFF), (likely, JUDGED_IS_OFF), (vague, COUNT_IS_OFF))
    least, most = sum(part / factor for part, factor in ways), sum(part * factor for part, factor in ways)
    return least, most, sure / whole if whole else 0.0
