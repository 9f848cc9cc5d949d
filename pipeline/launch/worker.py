"""The worker: the function that runs in a job, and trains its packs.

Nothing here depends on a signal being delivered: a worker knows when its time is up and
stops at a checkpoint before. A signal only makes that moment come earlier.

``pipeline.launch.worker.work`` stays its address: submitit pickles a function by its name, a job runs the snapshot of
the code with which it was sent, and where a submit was killed it is the next one, perhaps of a later version, that
writes what the job waits for.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from pipeline.errors import PipelineError
from pipeline.launch.job.exporting import LAST_SECONDS, Exporter
from pipeline.launch.job.signals import STARTED, JobSignals, began_at, stop_at
from pipeline.launch.notes.attempts import Attempt, heading, next_number, write_attempt
from pipeline.launch.notes.submission import Submission, folder_of, read_submission
from pipeline.records.store import finished_packs, read_outcomes

if TYPE_CHECKING:
    from pipeline.experiment.packing import Pack
    from pipeline.plan import Plan
    from pipeline.training.rendezvous import Rendezvous

End = Literal["finished", "deadline", "signal"]

SECONDS_BETWEEN_LOOKS = 2.0
"""How long the first worker of a job waits before it looks again at what the others hold."""


def work(run: str, submission: str, index: int) -> None:
    """Train the packs of one task of a submission, as far as the time of the job goes.

    Args:
        run: Folder of the run.
        submission: Name of the submission.
        index: Task of its array.
    """
    from submitit import JobEnvironment

    folder = Path(run)
    sent = read_submission(folder, submission)
    if not unfinished(folder, sent.tasks[index]):  # the next link of a chain, most of the time
        print("nothing is left to do here", flush=True)
        return
    environment = JobEnvironment()
    attempt_log = AttemptLog(folder, begin(folder, sent, index, environment))
    from pipeline.training.deadline import Deadline  # takes seconds; only when there is something to train

    signals = JobSignals(Deadline(time.monotonic() + stop_at(sent) - time.time()))
    signals.listen()
    exporter = exporter_of(sent, attempt_log)
    try:
        end = train(sent, index, attempt_log, signals, environment, exporter)
    except BaseException as error:
        exporter.end()
        first_line = f"{type(error).__name__}: {error}".splitlines()[0]
        attempt_log.end("error", first_line)
        raise
    attempt_log.end(end)
    remember(sent, attempt_log)
    # What goes on elsewhere exports there; and it is waited for only as long as the job may run.
    exporter.leave(LAST_SECONDS if end == "finished" else 0.0, hurry=signals.deadline.passed)
    if end == "deadline" and sent.requeue and unfinished(folder, sent.tasks[index]):
        signals.queue_again()


def again(run: str, submission: str, index: int) -> Any:
    """What submitit queues in place of a job that ran out of time: the same."""
    from submitit.helpers import DelayedSubmission

    return DelayedSubmission(work, run, submission, index)


work.checkpoint = again  # type: ignore[attr-defined]  # submitit looks for it under this name


def unfinished(run: Path, packs: Sequence[str]) -> list[str]:
    """Those of some packs that are not finished."""
    finished = finished_packs(run)
    return [pack for pack in packs if pack not in finished]


def begin(run: Path, sent: Submission, index: int, environment: Any) -> Attempt:
    """Write down that an attempt has begun, in its note and in the logs.

    Args:
        run: Folder of the run.
        sent: The submission.
        index: Task of its array.
        environment: submitit's ``JobEnvironment``.

    Returns:
        The attempt.
    """
    worker = environment.global_rank
    number = next_number(run, sent.name, index, worker)
    attempt = Attempt(sent.name, index, worker, number, environment.job_id, began_at())
    write_attempt(run, attempt)
    for stream in (sys.stdout, sys.stderr) if sent.scheduler != "debug" else ():  # which has no logs
        print(heading(attempt), file=stream, flush=True)
    return attempt


def exporter_of(sent: Submission, attempt_log: AttemptLog) -> Exporter:
    """What brings the packs of a job to W&B: the first of its workers does so for all, if the profile says so."""
    log = (
        folder_of(attempt_log.run, sent.name) / f"{attempt_log.attempt.job}_{attempt_log.attempt.worker}_wandb_log.out"
    )
    return Exporter(attempt_log.run, log, wanted=sent.wandb == "online" and attempt_log.attempt.worker == 0)


@dataclass
class AttemptLog:
    """Keeps the note of an attempt up to date."""

    run: Path
    attempt: Attempt
    begun: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    """Packs that were trained from their first step, so that the time of this attempt is all they took."""

    def begin(self, pack: str) -> None:
        """Write down which pack is trained now, for whoever asks why a worker was killed."""
        self.begun.add(pack)
        if not (self.run / "checkpoints" / pack).exists():
            self.whole.add(pack)
        self.note(pack=pack)

    def note(self, **changes: Any) -> None:
        """Write down what has changed."""
        self.attempt = dataclasses.replace(self.attempt, **changes)
        write_attempt(self.run, self.attempt)

    def end(self, end: str, error: str = "") -> None:
        """Write down how the attempt has ended, and which packs an exception stopped in it."""
        of_attempt = pl.col("pack").is_in(list(self.begun)) & (pl.col("job") == self.attempt.job)
        now = of_attempt & (pl.col("attempt") == self.attempt.number) & (pl.col("status") == "failed")
        rows = read_outcomes(self.run).filter(now)
        failed = dict(rows.unique("pack", maintain_order=True).select("pack", "reason").iter_rows())
        self.note(ended_at=time.time(), end=end, error=error, failed=failed)


def train(
    sent: Submission, index: int, attempt_log: AttemptLog, signals: JobSignals, environment: Any, exporter: Exporter
) -> End:
    """Train the packs of a task that are left.

    Args:
        sent: The submission.
        index: Task of its array.
        attempt_log: Where it is written down what is trained.
        signals: The deadline, and the signals that bring it forward.
        environment: submitit's ``JobEnvironment``.
        exporter: What brings finished packs to W&B.

    Returns:
        Why it ended.
    """
    from pipeline.records.outcome_provenance import OutcomeProvenance
    from pipeline.training.followers import in_parallel
    from pipeline.training.progress import TrainingProgress
    from pipeline.training.run import train_packs

    class NotedProgress(TrainingProgress):
        """Progress that the attempt log and the exporter follow."""

        def start_pack(self, pack: Pack) -> None:
            super().start_pack(pack)
            attempt_log.begin(pack.id)

        def finish_pack(self, pack: Pack, *, diverged: int = 0, failed: int = 0) -> None:
            super().finish_pack(pack, diverged=diverged, failed=failed)
            exporter.pack_finished()

        def draw(self) -> None:
            super().draw()
            exporter.look()

    run = attempt_log.run
    plan = plan_of(run, sent)
    together = plan.experiment.parallel.processes > 1
    share_gpus(environment, together=together)
    rendezvous = rendezvous_of(sent, index, run, environment) if together else None
    check_gpu(plan, sent)
    packs = {pack.id: pack for pack in plan.packs}
    provenance = OutcomeProvenance(attempt_log.attempt.job, attempt_log.attempt.number, sent.code)
    attempt_log.note(ready_at=time.time())
    known = len(sent.tasks[index])
    while True:
        left = unfinished(run, sent.tasks[index])
        if len(left) < known:  # the others of this job, and attempts before, have finished some
            exporter.pack_finished()
        known = len(left)
        exporter.look()
        names = left if together else in_turn(left, environment.global_rank, environment.num_tasks)
        mine, progress, deadline = [packs[name] for name in names], NotedProgress(), signals.deadline
        lead = functools.partial(
            train_packs, mine, plan.experiment, run, progress, provenance=provenance, deadline=deadline
        )
        counts = in_parallel(mine, plan.experiment, run, lead, deadline, rendezvous)
        if deadline.passed() and (counts is None or counts.stopped):
            return "signal" if signals.sigterm_received else "deadline"
        alone = together or environment.global_rank or environment.num_tasks == 1
        if counts is None or not counts.held_elsewhere or alone:
            return "finished"
        time.sleep(SECONDS_BETWEEN_LOOKS)  # the others of this job still train; if they run out of time, so do we


def remember(sent: Submission, attempt_log: AttemptLog) -> None:
    """Remember how long packs took that a first attempt has trained from their first step, for the next estimate.

    Args:
        sent: The submission.
        attempt_log: The attempt, and the packs that it trained from their first step.
    """
    from pipeline.launch.cost.calibration import remember_job, remember_startup

    attempt = attempt_log.attempt
    if attempt.number > 1 or attempt.worker:
        return
    if attempt.ready_at is not None:
        remember_startup(sent.cluster, sent.gpus, attempt.ready_at - attempt.began_at)
    plan = plan_of(attempt_log.run, sent)
    whole = read_outcomes(attempt_log.run).filter(
        pl.col("pack").is_in(list(attempt_log.whole)) & (pl.col("job") == attempt.job)
    )
    took = dict(whole.group_by("pack").agg(pl.col("seconds").sum()).iter_rows())
    for pack, workload in plan.manifest.workloads.items():
        if took.get(pack):
            remember_job(sent.cluster, sent.gpus, workload, took[pack])


def plan_of(run: Path, sent: Submission) -> Plan:
    """The plan of a run, computed how its submission says."""
    from pipeline.config import read_canonical
    from pipeline.definitions import canonical
    from pipeline.experiment.experiment import Experiment
    from pipeline.plan import read_plan

    plan = read_plan(run)
    asked = canonical(plan.experiment) | sent.how
    return plan.run_as(read_canonical(asked, Experiment, where=sent.name))


def in_turn(packs: list[str], worker: int, workers: int) -> list[str]:
    """All packs of a job in the order in which one of its workers tries them: its own share first.

    Args:
        packs: Names of the packs of the job.
        worker: Which of its workers.
        workers: How many it has.

    Returns:
        All packs, so that one that another worker holds is tried last.
    """
    return [pack for turn in range(workers) for pack in packs[(worker + turn) % workers :: workers]]


def share_gpus(environment: Any, *, together: bool) -> None:
    """Let each worker of a node see its own GPU; those that train one trial together find theirs by rank.

    Args:
        environment: submitit's ``JobEnvironment``.
        together: Whether all workers train each trial together.
    """
    if together:
        from submitit.helpers import TorchDistributedEnvironment

        TorchDistributedEnvironment().export(set_cuda_visible_devices=False, overwrite=True)
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    workers = environment.num_tasks // environment.num_nodes
    if 1 < workers <= len(visible):
        os.environ["CUDA_VISIBLE_DEVICES"] = visible[environment.local_rank]


def rendezvous_of(sent: Submission, index: int, run: Path, environment: Any) -> Rendezvous:
    """Where the workers of a job meet that train each trial together.

    The script of a job says when it began; on this machine each worker has one of its own, and all have one job.

    Args:
        sent: The submission.
        index: Task of its array.
        run: Folder of the run.
        environment: submitit's ``JobEnvironment``.

    Returns:
        The place and the name of the meeting, and its host.
    """
    from pipeline.training.rendezvous import Rendezvous

    began = os.environ.get(STARTED) if sent.scheduler in ("slurm", "pbs") else ""
    place = folder_of(run, sent.name) / f"{index}.meeting"
    return Rendezvous(place, f"{environment.job_id} {began}", environment.hostnames[0])


def check_gpu(plan: Plan, sent: Submission) -> None:
    """Refuse to train on the processor in a job that has a GPU, unless the experiment says so.

    Args:
        plan: The plan of the run.
        sent: The submission.

    Raises:
        PipelineError: If PyTorch sees no GPU where there must be one.
    """
    import torch

    if sent.gpus and plan.experiment.accelerator != "cpu" and not torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise PipelineError(
            f"this job asked for a GPU, and PyTorch sees none (CUDA_VISIBLE_DEVICES: {visible})",
            hint="the driver may be too old for this PyTorch, or the node bad: exclude it; or set accelerator: cpu",
        )
