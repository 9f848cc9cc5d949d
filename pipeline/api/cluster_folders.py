"""Folders of runs on a cluster, and what a cluster refuses before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ArgumentError

if TYPE_CHECKING:
    from pipeline.launch.clusters.lookup import Cluster
    from pipeline.plans import Plan


def folder_on(cluster: Cluster, planned: Plan, out: Path | None) -> Path:
    """Choose the folder of a run on a cluster: the one that was named, or one where the profile says.

    Args:
        cluster: Where.
        planned: The plan of the run.
        out: The folder, if one was named.

    Returns:
        The folder, which may not be there yet.

    Raises:
        PipelineError: If other nodes would not see it.
    """
    from pipeline.launch.clusters.lookup import check_folder, folder_of_runs

    folder = out or folder_of_runs(cluster) / planned.folder_name
    check_folder(cluster, folder)
    return folder


def check_chain(cluster: Cluster, links: int) -> None:
    """Refuse a chain of jobs where jobs have no time limit.

    Args:
        cluster: Where.
        links: Submissions of the chain, 1 for none.

    Raises:
        ArgumentError: If there is more than one.
    """
    if links > 1 and not cluster.profile.on_cluster:
        what = f"jobs of {cluster.name} have no time limit and wait for nothing"
        raise ArgumentError("chain", what, hint="leave it out")
