"""The worker: the function that runs in a job, and trains its packs.

Nothing here depends on a signal being delivered: a worker knows when its time is up and
stops at a checkpoint before. A signal only makes that moment come earlier.

``pipeline.launch.worker.work`` stays its address: submitit pickles a function by its name, a job runs the snapshot of
the code with which it was sent, and where a submit was killed it is the next one, perhaps of a later version, that
writes what the job waits for.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from pipeline.extensions.trust import allow_copies_of
from pipeline.garbage_collection import collect_seldom
from pipeline.launch.job.attempt_log import AttemptLog, begin
from pipeline.launch.job.exporting import LAST_SECONDS, Exporter
from pipeline.launch.job.sharing import check_gpu, in_turn, pack_to_help_with, packs_of, rendezvous_of, share_gpus
from pipeline.launch.job.signals import JobSignals, stop_at
from pipeline.launch.notes.attempts import DEADLINE
from pipeline.launch.notes.submission import Submission, folder_of, read_submission
from pipeline.records.locks import has_locks
from pipeline.records.store import finished_packs, outcomes_of, read_outcomes

if TYPE_CHECKING:
    from pipeline.experiment.packing import Pack
    from pipeline.plans import Plan
    from pipeline.training.progress import TrainingProgress

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
    if not unfinished(folder, packs_of(folder, sent, index)):  # the next link of a chain, most of the time
        print("nothing is left to do here", flush=True)
        return
    allow_copies_of(folder)
    environment = JobEnvironment()
    attempt_log = AttemptLog(folder, begin(folder, sent, index, environment))
    collect_seldom()
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
    if end == DEADLINE and sent.requeue and unfinished(folder, packs_of(folder, sent, index)):
        signals.queue_again()


def again(run: str, submission: str, index: int) -> Any:
    """The function that submitit queues in place of a job that ran out of time: the same."""
    from submitit.helpers import DelayedSubmission

    return DelayedSubmission(work, run, submission, index)


work.checkpoint = again  # type: ignore[attr-defined]  # submitit looks for it under this name


def unfinished(run: Path, packs: Sequence[str]) -> list[str]:
    """Choose the packs that are not finished."""
    finished = finished_packs(run)
    return [pack for pack in packs if pack not in finished]


def exporter_of(sent: Submission, attempt_log: AttemptLog) -> Exporter:
    """Make the exporter of a job: the first of its workers exports for all, if the profile says so."""
    log = (
        folder_of(attempt_log.run, sent.name) / f"{attempt_log.attempt.job}_{attempt_log.attempt.worker}_wandb_log.out"
    )
    return Exporter(attempt_log.run, log, wanted=sent.wandb == "online" and attempt_log.attempt.worker == 0)


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
    from pipeline.training.run import train_packs

    run = attempt_log.run
    plan = plan_of(run, sent)
    together = plan.experiment.parallel.processes > 1
    share_gpus(environment, together=together)
    rendezvous = rendezvous_of(sent, index, run, environment) if together else None
    check_gpu(plan, sent)
    packs = {pack.id: pack for pack in plan.packs}
    provenance = OutcomeProvenance(attempt_log.attempt.job, attempt_log.attempt.number, sent.code)
    attempt_log.note(ready_at=time.time())
    own = [pack for pack in packs_of(run, sent, index) if pack in packs]  # not what a later submit has halved
    known = len(own)
    while True:
        left = unfinished(run, own)
        if len(left) < known:  # the others of this job, and attempts before, have finished some
            exporter.pack_finished()
        known = len(left)
        exporter.look()
        names = left if together else in_turn(left, environment.global_rank, environment.num_tasks)
        mine, deadline = [packs[name] for name in names], signals.deadline
        progress = noted_progress(attempt_log, exporter)
        lead = functools.partial(
            train_packs, mine, plan.experiment, run, progress, provenance=provenance, deadline=deadline
        )
        counts = in_parallel(mine, plan.experiment, run, lead, deadline, rendezvous)
        if deadline.passed() and (counts is None or counts.stopped):
            return _out_of_time(signals)
        alone = together or environment.global_rank or environment.num_tasks == 1
        if counts is None or not counts.held_elsewhere or alone:
            break
        time.sleep(SECONDS_BETWEEN_LOOKS)  # the others of this job still train; if they run out of time, so do we
    if together or not has_locks(run / "locks"):  # without locks two jobs could train one pack at once
        return "finished"
    assert counts is not None  # those that train together have ended above
    tried: set[str] = set()
    while not counts.stopped and (name := pack_to_help_with(run, sent, index, deadline.at - time.monotonic(), tried)):
        tried.add(name)
        counts = train_packs([packs[name]], plan.experiment, run, progress, provenance=provenance, deadline=deadline)
    # Another job may have held one of ours to help, and have run out of time with it since.
    mine = [packs[name] for name in own if not outcomes_of(run, name).exists()]
    if mine and not counts.stopped:
        counts = train_packs(mine, plan.experiment, run, progress, provenance=provenance, deadline=deadline)
    return _out_of_time(signals) if counts.stopped else "finished"


def _out_of_time(signals: JobSignals) -> End:
    return "signal" if signals.sigterm_received else DEADLINE


def noted_progress(attempt_log: AttemptLog, exporter: Exporter) -> TrainingProgress:
    """Make the progress of a training that the attempt log and the exporter follow."""
    from pipeline.training.progress import TrainingProgress

    class NotedProgress(TrainingProgress):
        """Passes on which pack begins and ends."""

        def start_pack(self, pack: Pack) -> None:
            super().start_pack(pack)
            attempt_log.begin(pack.id)

        def finish_pack(self, pack: Pack, *, diverged: int = 0, failed: int = 0) -> None:
            super().finish_pack(pack, diverged=diverged, failed=failed)
            exporter.pack_finished()

        def draw(self) -> None:
            super().draw()
            exporter.look()

    return NotedProgress()


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
    from pipeline.plans import read_plan

    plan = read_plan(run)
    fields = canonical(plan.experiment) | sent.how
    return plan.run_as(read_canonical(fields, Experiment, where=sent.name))
