"""Destinations: the cluster that jobs go to, and the folder of their run there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import Overrides
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.launch.clusters.lookup import Cluster
    from pipeline.launch.notes.submission import Submission
    from pipeline.plans import Plan


def cluster_of(submission: Submission, overrides: Overrides) -> Cluster:
    """Read the cluster that a submission went to, with what was changed of its profile then and now: the later wins.

    Args:
        submission: The submission.
        overrides: What is changed now.

    Returns:
        The cluster.

    Raises:
        PipelineError: If the experiment is to be changed too, which has begun.
    """
    from pipeline.config import later_wins
    from pipeline.launch.clusters.lookup import read_cluster

    if overrides.experiment:
        first = overrides.experiment[0]
        hint = f"--set cluster.{first} changes the job; another experiment is another submit"
        raise PipelineError(f"an experiment that has begun cannot be changed: {first!r}", hint=hint)
    return read_cluster(submission.cluster, later_wins(submission.overrides, overrides.profile))


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
        PipelineError: Of ``--chain``.
    """
    if links > 1 and not cluster.profile.on_cluster:
        what = f"jobs of {cluster.name} have no time limit and wait for nothing"
        raise PipelineError(what, where="--chain", hint="leave it out")
