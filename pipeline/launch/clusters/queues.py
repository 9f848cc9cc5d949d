"""Queue limits: walltimes, nodes and GPUs that a cluster allows, and what it charges for them."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import FieldError


@dataclass(frozen=True)
class WalltimeTier:
    """A walltime tier: the longest walltime that a queue allows jobs of some size, one entry of ``bands``.

    Args:
        hours: Longest walltime.
        queue: Queue or partition; none where the site chooses it.
        gpus: Least and most GPUs of a job, those of all its nodes together.
        running: Jobs of one user that run at a time; none where it is not limited or not known.
        factor: What an hour costs there beside ``charging``; 0 where it is free.
        needs: Fields of the profile that a person has to give for it.
    """

    hours: float
    queue: str | None = None
    gpus: tuple[int, ...] = (0, 1_000_000)
    running: int | None = None
    factor: float = 1.0
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.hours > 0:
            raise FieldError(("hours",), f"a walltime of {self.hours!r} hours is none", hint="take a number above 0")
        if len(self.gpus) != 2 or not 0 <= self.gpus[0] <= self.gpus[1]:
            raise FieldError(("gpus",), f"{list(self.gpus)} is no range", hint="write [least, most]")
        if self.running is not None and self.running < 1:
            raise FieldError(("running",), f"running must be at least 1, not {self.running}", hint="or leave it out")
        if not self.factor >= 0:
            raise FieldError(("factor",), f"a factor of {self.factor!r} would earn money", hint="take 0 or more")

    def takes(self, gpus: int) -> bool:
        """Whether jobs with N GPUs are let in."""
        return self.gpus[0] <= gpus <= self.gpus[1]


@dataclass(frozen=True)
class Node:
    """Resources of one node of the cluster."""

    gpus: int
    cpus: int
    memory_gib: float


@dataclass(frozen=True)
class GpuType:
    """One of the GPUs of a cluster whose nodes differ.

    Args:
        name: As the scheduler has it.
        per_node: How many a node has.
        memory_gib: Memory of one.
        per_hour: What an hour costs; none: what ``charging`` says.
        queues: Queues that have it; none: all.
    """

    name: str
    per_node: int
    memory_gib: float
    per_hour: float | None = None
    queues: tuple[str, ...] = ()


@dataclass(frozen=True)
class Charging:
    """Prices of the site for an hour, in its own units.

    Args:
        unit: What the site counts in.
        per_gpu_hour: For one GPU.
        per_cpu_hour: For one CPU of a job without GPUs.
        cpu_unit: What the site counts CPUs in; none: the same unit.
        cpus_beside_gpus: Whether the CPUs of a job with GPUs are counted too.
    """

    unit: str = "GPU-hours"
    per_gpu_hour: float = 1.0
    per_cpu_hour: float = 0.0
    cpu_unit: str | None = None
    cpus_beside_gpus: bool = False
