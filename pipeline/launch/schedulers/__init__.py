"""What runs jobs: SLURM, PBS Pro, and processes of this machine, behind one small interface."""

from __future__ import annotations

import os

from pipeline.launch.schedulers.scheduler import MOST_REQUEUES, Request, Scheduler, Task

__all__ = ["MOST_REQUEUES", "Request", "Scheduler", "Task", "clusters_wanted", "scheduler_named"]


def clusters_wanted() -> str | None:
    """The clusters of one SLURM that this shell sends jobs to, where it names some."""
    return os.environ.get("SLURM_CLUSTERS") or os.environ.get("SBATCH_CLUSTERS") or None


def scheduler_named(name: str, slurm_conf: str | None = None, clusters: str | None = None) -> Scheduler:
    """The scheduler that a profile or a submission names."""
    from pipeline.launch.schedulers.local import Debug, Local
    from pipeline.launch.schedulers.pbs import Pbs
    from pipeline.launch.schedulers.slurm import Slurm

    match name:
        case "slurm":
            return Slurm(slurm_conf, clusters)
        case "pbs":
            return Pbs()
        case "local":
            return Local()
        case "debug":
            return Debug()
    raise ValueError(f"no scheduler is called {name!r}")
