"""The probe job: it takes a minute, and writes the inventory of a node."""

from __future__ import annotations

import time
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import Cluster, check_name, folder_of_runs
from pipeline.launch.commands import SilenceError
from pipeline.launch.notes.submission import Submission, folder_of, next_name
from pipeline.launch.probe.node_inventory import write_node_inventory
from pipeline.launch.schedulers import Scheduler, clusters_wanted, scheduler_named
from pipeline.launch.schedulers.waiting import Say, announce_if_slow
from pipeline.launch.submit.code_snapshot import take_snapshot
from pipeline.launch.submit.job_request import request_for
from pipeline.launch.submit.sending import outside_of_jobs, words_of

SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_TO_ARRIVE = 20.0
"""How long a file may take to be seen here after its job has ended, on a network file system."""


def inspect_node(cluster: Cluster, say: Say, timeout_seconds: float) -> Path:
    """Send the job, wait for it, and name the file of what it has found.

    Args:
        cluster: Where.
        say: Prints how the waiting goes.
        timeout_seconds: How long to wait.

    Returns:
        The file that the job has written.

    Raises:
        PipelineError: If the job is refused, ends without an answer, or waits too long.
        SilenceError: If the scheduler does not answer whether it has taken the job.
    """
    run = (folder_of_runs(cluster) / ".probe").resolve()
    check_name(cluster, run)
    name = next_name(run)
    answers = run / f"{name}.json"
    scheduler = scheduler_named(cluster.profile.scheduler, cluster.profile.slurm_conf, clusters_wanted())
    request = request_for(_minute(name, cluster), cluster, Parallel(), take_snapshot(run), None)
    folder = folder_of(run, name)
    folder.mkdir(parents=True)
    try:
        with outside_of_jobs(), announce_if_slow(say, f"waiting for {cluster.name} to take the job"):
            job = scheduler.executor(folder, request).submit(write_node_inventory, str(answers))
    except SilenceError:
        raise
    except (PipelineError, RuntimeError, OSError) as error:
        what = f"{cluster.name} refused the job: {words_of(error)}"
        raise PipelineError(what, hint="--no-job asks the scheduler only") from None
    if cluster.profile.scheduler == "debug":
        job.results()
    say(f"sent job {job.job_id}, which looks around for a minute; Ctrl-C leaves it, its answer is {answers}")
    _await(answers, str(job.job_id), scheduler, folder, timeout_seconds, say)
    return answers


def _await(answers: Path, job: str, scheduler: Scheduler, folder: Path, timeout_seconds: float, say: Say) -> None:
    began, reported, gone_since = time.monotonic(), "", None
    while not answers.exists():
        waited = time.monotonic() - began
        if waited > timeout_seconds:
            hint = f"cat {answers} once it has run"
            raise PipelineError(f"job {job} has not run within {timeout_seconds:g} s", hint=hint)
        held = scheduler.tasks({job: folder})
        words = f"{held[0].state} {held[0].reason}".strip() if held else ""
        if words and words != reported:
            say(f"job {job}: {words}")
        reported = words
        gone_since = None if held else gone_since or time.monotonic()
        if gone_since is not None and time.monotonic() - gone_since > SECONDS_TO_ARRIVE:
            raise PipelineError(f"job {job} has ended without an answer", where=str(folder), hint="its log says why")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _minute(name: str, cluster: Cluster) -> Submission:
    """A submission of one job of a minute."""
    profile = cluster.profile
    return Submission(
        name=name,
        cluster=cluster.name,
        overrides=cluster.overrides,
        scheduler=profile.scheduler,
        slurm_conf=profile.slurm_conf,
        tasks=((),),
        seconds=(60.0,),
        costs={},
        minutes=1,
        memory_gib=profile.memory_gib_of_job,
        margin_seconds=10.0,
        gpus=profile.gpus,
        requeue=False,
        link=0,
        after=None,
        code="",
        sent_at=time.time(),
    )
