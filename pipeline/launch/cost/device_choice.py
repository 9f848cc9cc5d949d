"""Choice of the device: a sweep that would leave GPUs idle is sent to processors, unless GPUs are asked for."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster, read_cluster
from pipeline.launch.cost.estimate import gpu_busy, queue_without_gpus
from pipeline.records.manifest import Manifest

LEAST_BUSY = 0.05
"""Share of its time that a GPU is busy below which it is left to others, where nobody has asked for it."""
ASKED_FOR = ("gpus", "gpu_type", "queue")
"""Fields of a profile with which a person chooses the device."""


def suited(cluster: Cluster, name: str, manifest: Manifest, say: Callable[[str], None]) -> Cluster:
    """Take a cluster without its GPUs where a sweep would hardly use them and the cluster has a queue for such jobs.

    Args:
        cluster: As its profile and the person say.
        name: Of the cluster, or the path of its file.
        manifest: What is to be sent.
        say: Prints what was chosen, and how to ask otherwise.

    Returns:
        The cluster as it was given where it has no GPUs, the person or the experiment asks for them, they would be
        busy, several processes train each trial together, or there is no queue for jobs without; else the same with
        ``gpus=0``, as if the person had said so.
    """
    profile = cluster.profile
    chosen = {text.partition("=")[0] for text in cluster.overrides}
    wanted = manifest.how["accelerator"] == "cuda" or manifest.parallel.processes > 1 or chosen.intersection(ASKED_FOR)
    if not (profile.gpus and profile.bands) or wanted:
        return cluster
    busy, queue = gpu_busy(list(manifest.workloads.values())), queue_without_gpus(profile)
    if busy >= LEAST_BUSY or queue is None:
        return cluster
    more = [f"queue={queue}"] if profile.queue and queue != profile.queue else []
    try:
        without = read_cluster(name, (*cluster.overrides, "gpus=0", *more))
    except PipelineError:  # what else the person has asked for, such as a long walltime, is for jobs with GPUs
        return cluster
    say(
        f"a GPU would be busy for about {100 * busy:.2g} % of the time, so the jobs ask for processors only"
        f"{f' (queue {queue})' if queue else ''}; GPUs all the same: --set cluster.gpus={profile.gpus}"
    )
    return without
