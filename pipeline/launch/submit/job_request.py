"""Job request: the resources, script lines and options that a submission needs of a scheduler."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.job.signals import STARTED
from pipeline.launch.notes.submission import Submission
from pipeline.launch.schedulers import JobRequest

SIGNAL_SHARE = 0.5
"""The warning signal comes after a worker should have stopped by itself: this share of its margin before the end."""


def check_parallel(cluster: Cluster, parallel: Parallel) -> None:
    """Refuse a training over several nodes where a job starts workers on its first node only.

    Args:
        cluster: Where.
        parallel: Over how many nodes and devices one trial is trained.

    Raises:
        PipelineError: On anything but SLURM.
    """
    if parallel.nodes > 1 and cluster.profile.scheduler != "slurm":
        what = f"parallel.nodes is {parallel.nodes}, and jobs on {cluster.name} start workers on one node only"
        raise PipelineError(what, hint="take parallel: {devices: ...} alone, or a SLURM cluster")


def request_for(
    sent: Submission, cluster: Cluster, parallel: Parallel, snapshot: Path, after: str | None
) -> JobRequest:
    """Translate a submission into what a scheduler is asked for.

    Args:
        sent: What is to be sent.
        cluster: Where.
        parallel: Over how many nodes and devices one trial is trained.
        snapshot: Folder of the code that the jobs run.
        after: Id of the job that has to end before.

    Returns:
        The request of each task of the array.
    """
    profile = cluster.profile
    together = parallel.processes > 1
    tier = profile.tier(sent.minutes, parallel.nodes) if profile.bands else None
    num_tasks = len(sent.tasks)
    return JobRequest(
        name=sent.name,
        minutes=sent.minutes,
        workers=parallel.devices if together else profile.workers,
        nodes=parallel.nodes,
        gpus=profile.gpus if not together else parallel.devices * bool(profile.gpus),
        gpu_type=profile.gpu_type,
        cpus=profile.cpus,
        memory_gib=sent.memory_gib,
        queue=profile.queue or (tier.queue if tier else None),
        account=profile.account,
        project=profile.project,
        qos=profile.qos,
        exclude=profile.exclude,
        at_a_time=min(num_tasks, profile.max_running or (tier.running if tier else None) or num_tasks),
        after=after,
        after_name=sent.after,
        setup=setup_lines(profile, snapshot),
        python=profile.python or shlex.quote(sys.executable),
        signal_seconds=max(1, round(SIGNAL_SHARE * sent.margin_seconds)),
        requeue=sent.requeue,
        chunk=profile.chunk,
        options=profile.options,
    )


def setup_lines(profile: Profile, snapshot: Path) -> tuple[str, ...]:
    """The shell lines of a job before its workers start.

    Args:
        profile: The cluster.
        snapshot: Folder of the code that the jobs run.

    Returns:
        Lines for a shell.
    """
    folder = shlex.quote(str(snapshot))
    lines = [f"export {STARTED}=$(date +%s)", *profile.setup, f"cd {folder} || exit 1"]
    lines.append(f"export PYTHONPATH={folder}${{PYTHONPATH:+:$PYTHONPATH}}")
    if profile.cpus is not None:
        # Sites differ in what they set; since SLURM 22.05 a step does not inherit its processors from the job.
        lines.append(f"export OMP_NUM_THREADS={profile.cpus} SRUN_CPUS_PER_TASK={profile.cpus}")
    for name in profile.keep_env:  # a container that starts clean sees these and nothing else
        lines += [f'export {prefix}ENV_{name}="${{{name}:-}}"' for prefix in ("SINGULARITY", "APPTAINER")]
    return tuple(lines)
