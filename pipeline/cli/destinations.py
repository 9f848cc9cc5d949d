"""Destinations: the cluster that jobs go to, and the folder of their run there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.options import Overrides
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.launch.clusters.lookup import Cluster
    from pipeline.launch.notes.submission import Submission


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
