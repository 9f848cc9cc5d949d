"""Sending submissions through submitit, so that a submit may be killed at any instant.

A note is written before a scheduler hears of a job and completed after, one process at a
time sends, and whoever was killed in between is understood by the next. Should a pack be
sent twice all the same, its lock and its outcomes keep it from being trained twice.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import Cluster
from pipeline.launch.commands import SilenceError
from pipeline.launch.notes.submission import (
    Submission,
    folder_of,
    forget_submission,
    read_submissions,
    write_submission,
)
from pipeline.launch.schedulers import JobRequest, Scheduler, clusters_wanted
from pipeline.launch.schedulers.waiting import Say, announce_if_slow
from pipeline.launch.state.in_flight import scheduler_of
from pipeline.launch.submit.code_snapshot import take_snapshot
from pipeline.launch.submit.job_request import request_for
from pipeline.launch.submit.reconcile import with_job, write_arguments
from pipeline.launch.worker import unfinished, work

NO_SERVER = r"connect|contact|communication failure|timed? ?out|zero bytes|standby|not respond"
"""How SLURM and PBS word that their server cannot be reached, which no other request would change."""

UNKNOWN = "it did not answer whether the jobs have arrived; the same command finds out and goes on from there"


def send(
    run: Path, submissions: Sequence[Submission], cluster: Cluster, parallel: Parallel, say: Say
) -> Iterator[Submission]:
    """Send submissions one after the other.

    Args:
        run: Folder of the run.
        submissions: The planned submissions, in order.
        cluster: Where.
        parallel: Over how many nodes and devices one trial is trained.
        say: Prints what takes long.

    Yields:
        Each submission once its job is known.

    Raises:
        PipelineError: If the scheduler refuses one, with its own words; those before it are sent.
    """
    profile = cluster.profile
    clusters = clusters_wanted() if profile.scheduler == "slurm" else None
    snapshot = take_snapshot(run.resolve())
    known = {one.name: one for one in read_submissions(run)}

    def sent_as(submission: Submission) -> Submission:
        before = known[submission.after] if submission.after is not None else None
        request = request_for(submission, cluster, parallel, snapshot, before.job if before else None)
        where = before.clusters if before else clusters  # a job waits for one of its own cluster only
        noted = dataclasses.replace(submission, sent_at=time.time(), clusters=where)
        write_submission(run, noted)
        sent = _send(run, noted, scheduler_of(noted), request, cluster.name, say)
        write_submission(run, sent)
        return sent

    for submission in submissions:
        if submission.after is not None and submission.after not in known:
            continue  # nothing was left to do for the link before
        sent = sent_as(submission)
        if submission.after is not None and _thrown_away(run, sent, known[submission.after]):
            over = f"{submission.after} ended before {submission.name} arrived"
            say(f"{over}, and {cluster.name} forgets jobs that have ended")
            if not unfinished(run, [pack for task in sent.tasks for pack in task]):
                forget_submission(run, sent)
                say(f"{submission.name} and what would come after it are left out: all its packs are finished")
                continue
            sent = sent_as(dataclasses.replace(submission, after=None))
        known[sent.name] = sent
        yield sent


def _thrown_away(run: Path, sent: Submission, before: Submission) -> bool:
    """Whether a server has thrown a link away since it has forgotten the job before."""
    scheduler = scheduler_of(sent)
    folders = {str(one.job): folder_of(run.resolve(), one.name) for one in (sent, before)}
    return scheduler.throws_away(str(sent.job), str(before.job), folders)


def _send(
    run: Path, submission: Submission, scheduler: Scheduler, request: JobRequest, cluster: str, say: Say
) -> Submission:
    """Send one submission; the note of it with the id of its job."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    folder = folder_of(run.resolve(), submission.name)
    folder.mkdir(parents=True, exist_ok=True)
    num_tasks, waiting = len(submission.tasks), f"waiting for {cluster} to take {submission.name}"
    try:
        # submitit would print what is raised too
        quiet = contextlib.redirect_stderr(io.StringIO())
        with announce_if_slow(say, waiting), outside_of_jobs(), detached(submission.scheduler), quiet:
            executor = scheduler.executor(folder, request)
            jobs = executor.map_array(
                work, [str(run.resolve())] * num_tasks, [submission.name] * num_tasks, range(num_tasks)
            )
    except (FailedJobError, FailedSubmissionError, PipelineError, OSError, RuntimeError) as error:
        raise _refused(run, submission, error, cluster) from None
    if submission.scheduler == "debug":
        jobs[0].results()
    job = str(jobs[0].job_id)
    return dataclasses.replace(
        submission,
        job=job.split("_")[0] if len(jobs) > 1 else job,
        clusters=getattr(executor, "sent_to", None) or submission.clusters,
    )


@contextmanager
def detached(scheduler: str) -> Iterator[None]:
    """Let processes of this machine that are begun in the block outlive the terminal, and hold none of its streams.

    A pipe behind a submit would otherwise be open until they end.
    """
    if scheduler != "local":
        yield
        return
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(stream) for stream in (0, 1, 2)]
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        yield
    finally:
        for stream, copy in enumerate(kept):
            os.dup2(copy, stream)
            os.close(copy)
        os.close(nothing)


@contextmanager
def outside_of_jobs() -> Iterator[None]:
    """Hide what a job inherits when it is sent from inside of another, but not which cluster is meant.

    What a person or a site has set for ``sbatch`` stays too: see the executor for SLURM.
    """
    from submitit.helpers import clean_env

    in_job = "SLURM_JOB_ID" in os.environ
    kept = {name: value for name, value in os.environ.items() if _is_kept(name, in_job=in_job)}
    with clean_env():
        os.environ.update(kept)
        yield


def _is_kept(name: str, *, in_job: bool) -> bool:
    of_person = name in ("SLURM_HINT", "SLURM_UMASK") and not in_job  # a job has such of its own
    return of_person or name.startswith("SBATCH_") or name in ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT")


def _refused(run: Path, submission: Submission, error: Exception, cluster: str) -> PipelineError:
    """The error of a submission that failed; its note is kept if it is not certain that nothing was sent."""
    words = words_of(error)
    unknown = PipelineError(f"{cluster} has not taken the jobs: {words}", hint=UNKNOWN)
    if isinstance(error, SilenceError):  # to ask it something else would take as long
        return unknown
    try:
        arrived = with_job(run, submission)
    except PipelineError:
        return unknown
    if arrived is not None:
        write_submission(run, arrived)
        write_arguments(run, arrived)  # so that they train, whether or not anybody types it again
        return PipelineError(f"{cluster} complained: {words}", hint="the jobs have arrived; run the same command again")
    forget_submission(run, submission)
    shutil.rmtree(folder_of(run, submission.name), ignore_errors=True)
    hint = "change what it complains about with --set cluster.NAME=VALUE"
    if re.search(NO_SERVER, words, re.IGNORECASE):
        hint = "its server may be down; try the same command again later"
    return PipelineError(f"{cluster} refused the jobs: {words}", hint=hint)


def words_of(error: Exception) -> str:
    """A scheduler's own words, without what submitit and the command put around them."""
    text = error.what.removeprefix("PBS refused the job: ") if isinstance(error, PipelineError) else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if line.startswith(("sbatch:", "qsub:"))]
    return "; ".join(line.split(":", 1)[1].strip().removeprefix("error: ") for line in own) or " ".join(lines[-1:])
