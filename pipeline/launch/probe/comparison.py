"""Comparison of a profile with the live cluster: with what the scheduler reports, and what a job finds on its node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.probe.cluster_findings import cluster_findings_of
from pipeline.launch.probe.findings import INFORMATION, Finding
from pipeline.launch.probe.live_cluster import LiveCluster
from pipeline.launch.probe.node_findings import node_findings_of
from pipeline.launch.probe.node_inventory import read_node_inventory

if TYPE_CHECKING:
    import polars as pl


def compare_with_scheduler(cluster: Cluster) -> pl.DataFrame:
    """A profile beside what the scheduler says of itself, line by line.

    Args:
        cluster: The cluster.

    Returns:
        Columns ``field``, ``profile``, ``live`` and ``verdict``.

    Raises:
        PipelineError: If the scheduler is not there or cannot be asked.
    """
    return _table(cluster_findings_of(cluster.profile, read_live_cluster(cluster)))


def read_live_cluster(cluster: Cluster) -> LiveCluster:
    """Ask a cluster what it has and allows.

    Args:
        cluster: The cluster.

    Returns:
        What the scheduler reports.

    Raises:
        PipelineError: If the scheduler is not there or cannot be asked.
    """
    conf = cluster.profile.slurm_conf
    if conf and not Path(conf).exists():
        raise PipelineError(f"{cluster.name} is not running", where=conf, hint=cluster.profile.note or "start it first")
    if cluster.profile.scheduler == "slurm":
        from pipeline.launch.probe.live_slurm import read_slurm

        return read_slurm(cluster)
    if cluster.profile.scheduler == "pbs":
        from pipeline.launch.probe.live_pbs import read_pbs

        return read_pbs(cluster)
    return LiveCluster(cluster.profile.scheduler, remarks=(("cpus", f"{os.cpu_count()} of this machine", INFORMATION),))


def compare_with_node(path: Path, cluster: Cluster) -> pl.DataFrame:
    """A profile beside what a job has seen, as ``write_node_inventory`` wrote it.

    Args:
        path: Of the file that the job has written.
        cluster: The cluster.

    Returns:
        Columns ``field``, ``profile``, ``live`` and ``verdict``, as those of ``compare_with_scheduler``.

    Raises:
        PipelineError: If the job has written nothing that can be read.
    """
    try:
        return _table(node_findings_of(cluster.profile, read_node_inventory(path)))
    except FileNotFoundError:
        hint = "its log says why; a folder that nodes do not see is the usual reason"
        raise PipelineError("the job has written nothing", where=str(path), hint=hint) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise PipelineError(f"not what a job has written: {why}", where=str(path), hint="probe again") from None


def _table(found: list[Finding]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(found, schema=dict.fromkeys(Finding._fields, pl.String), orient="row")
