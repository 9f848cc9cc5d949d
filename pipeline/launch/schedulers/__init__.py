"""Schedulers: SLURM, PBS Pro, and processes of this machine, behind one small interface."""

from __future__ import annotations

import os

from pipeline.launch.schedulers.scheduler import MOST_REQUEUES, JobRequest, Scheduler, SchedulerTask

__all__ = ["MOST_REQUEUES", "JobRequest", "Scheduler", "SchedulerTask", "clusters_wanted", "scheduler_named"]


def clusters_wanted() -> str | None:
    """The clusters of one SLURM that this shell sends jobs to, where it names some."""
    return os.environ.get("SLURM_CLUSTERS") or os.environ.get("SBATCH_CLUSTERS") or None


def scheduler_named(name: str, slurm_conf: str | None = None, clusters: str | None = None) -> Scheduler:
    """The scheduler that a profile or a submission names.

    Args:
        name: ``slurm``, ``pbs``, ``local`` or ``debug``.
        slurm_conf: Configuration of a SLURM that is not the machine's own.
        clusters: Clusters under one SLURM that may have the jobs, with commas between.

    Returns:
        The scheduler; it is not asked anything yet.

    Raises:
        ValueError: If there is none of that name.
    """
    from pipeline.launch.schedulers.local import DebugScheduler, LocalScheduler
    from pipeline.launch.schedulers.pbs import PbsScheduler
    from pipeline.launch.schedulers.slurm import SlurmScheduler

    match name:
        case "slurm":
            return SlurmScheduler(slurm_conf, clusters)
        case "pbs":
            return PbsScheduler()
        case "local":
            return LocalScheduler()
        case "debug":
            return DebugScheduler()
    raise ValueError(f"no scheduler is called {name!r}")
