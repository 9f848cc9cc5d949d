"""The export of a run to W&B: from its records alone, at any time, idempotent.

``wandb/`` in the folder of the run holds the ledger, and what could not be sent yet.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from pipeline.errors import PipelineError
from pipeline.experiment.wandb_tracking import Tracking
from pipeline.plans import read_plan
from pipeline.records.locks import EXPORT, locked
from pipeline.records.store import read_outcomes
from pipeline.report.tables.results import read_results
from pipeline.report.theory.own_code import in_sentences, parts_left_out
from pipeline.tracking.export.connection import Connection, check_rate_limit
from pipeline.tracking.export.consistent_read import read_consistently
from pipeline.tracking.export.delivery import Delivery
from pipeline.tracking.export.destination import Connectivity, connectivity, destination_of, has_key
from pipeline.tracking.export.export_context import BATCH, ExportContext
from pipeline.tracking.export.export_progress import ExportProgress
from pipeline.tracking.export.ledger import Ledger
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.sweep_content import sweep_id, write_sweep
from pipeline.tracking.export.sweep_run import deliver_sweep
from pipeline.tracking.export.sync_process import end_orphaned_sender
from pipeline.tracking.export.trial_runs import RecordedRun, trial_runs
from pipeline.tracking.export.trial_selection import selected_trials
from pipeline.tracking.retries import LONGEST_LIST_DELAY_SECONDS, ONLINE_WAIT_SECONDS, Clock, requests_in_words
from pipeline.tracking.settings import checked_settings
from pipeline.tracking.wandb_errors import UnreachableError
from pipeline.tracking.wandb_files.client_folders import client_folder
from pipeline.tracking.wandb_files.run_records import as_records
from pipeline.tracking.wandb_files.transaction_log import is_complete, write_log

Say = Callable[[str], None]
CLOCK = Clock()


class BusyError(PipelineError):
    """Another export is at work in the run."""


@dataclass
class ExportResult:
    """The result of an export.

    Args:
        destination: Entity and project.
        verified: Number of runs that W&B confirms, those of earlier exports included.
        waiting: Number of runs that lie in files, to be sent later.
        problems: What is wrong, by run.
        offline_reason: Why nothing was sent; empty if it was.
        transient: Whether that may pass by itself.
        finished: Whether every trial of the plan is.
    """

    destination: str
    verified: int = 0
    waiting: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    offline_reason: str = ""
    transient: bool = False
    finished: bool = False


def export(
    run: Path,
    tracking: Tracking | None,
    profile: Destination | None,
    say: Say,
    *,
    online: bool = False,
    clock: Clock = CLOCK,
) -> ExportResult:
    """Send the finished trials of a run to W&B, or write them into files where it is offline.

    Args:
        run: Folder of the run.
        tracking: Which trials, and where; by default as in the plan.
        profile: Entity and project of the cluster.
        say: Told what a person should know.
        online: As a job does beside its training: write no files for later, and do not wait for late lists.
        clock: Waits for W&B.

    Returns:
        What was sent, what waits and what is wrong.

    Raises:
        UnreachableError: If it is offline, and no files may be written.
        BusyError: If another export is at work in the run.
        PipelineError: If the folder is not that of a run, or W&B does not do what it should. What has arrived until
            then is noted.
    """
    with exclusive_export(run, say) as folder, client_folder(folder) as scratch, checked_settings(say):
        end_orphaned_sender(folder)
        access = connectivity(has_key=has_key())
        if access.offline_reason and online:
            raise UnreachableError(access.offline_reason)
        source = read_run(run)
        tracking = tracking or source.plan.experiment.tracking
        destination = destination_of(tracking, profile)
        trials = selected_trials(tracking, source.results)
        if access.warning:
            say(access.warning)
        if access.offline_reason:
            return _write(source, trials, destination, folder, access, say)
        check_rate_limit(access.url, clock, say)
        connection = Connection(scratch)
        streaming = connection.streaming(access.url, clock, say)
        ledger = Ledger(folder, f"{access.url} {destination.label()}", clock.now)
        whole = Destination(destination.entity or connection.entity(), destination.project)
        wait_seconds = ONLINE_WAIT_SECONDS if online else LONGEST_LIST_DELAY_SECONDS
        context = ExportContext(connection, whole, ledger, _outbox(folder), say, clock, wait_seconds)
        return _send(source, trials, Delivery(context, streaming), folder)


@contextmanager
def exclusive_export(run: Path, say: Say) -> Iterator[Path]:
    """Within it no other export works in a run's folder; gives the folder of what belongs to W&B.

    What code of a user's own fails in is left out, as in the report.

    Args:
        run: Folder of the run.
        say: Told where the file system has no locks, and at the end what was left out.

    Yields:
        The folder of what belongs to W&B.

    Raises:
        BusyError: If another export is at work.
        PipelineError: If the folder is not that of a run.
    """
    if not (run / "plan.json").exists():
        read_plan(run)  # says what is wrong
    path = run / EXPORT
    path.parent.mkdir(exist_ok=True)
    lock = locked(path, say) or _after_a_moment(path, say)
    if lock is None:
        hint = "wait until it is done; it sends all that is finished"
        raise BusyError("another sync is at work in this run", where=str(run), hint=hint)
    with lock, parts_left_out() as left_out:
        os.utime(path)
        yield path.parent
        for sentence in in_sentences(left_out):
            say(sentence)


def _after_a_moment(path: Path, say: Say) -> IO[str] | None:
    """Try again: a job may hold the lock for as long as it takes to see whether it can."""
    time.sleep(0.5)
    return locked(path, say)


def read_run(run: Path) -> RecordedRun:
    """A recorded run, read consistently while it may be trained.

    Args:
        run: Its folder.

    Returns:
        The run.

    Raises:
        PipelineError: If it cannot be read.
    """
    return read_consistently(lambda: _read(run))


def _read(run: Path) -> RecordedRun:
    plan, outcomes = read_plan(run), read_outcomes(run)
    return RecordedRun(run, plan, read_results(run, plan, outcomes), outcomes)


def _outbox(folder: Path) -> Path:
    """Where files wait to be sent; ``wandb sync`` finds only folders that are called so."""
    return folder / "offline-run-trials"


def _finished(source: RecordedRun) -> bool:
    return bool((source.results["status"] != "pending").all())


def _write(
    source: RecordedRun, trials: list[str], destination: Destination, folder: Path, offline: Connectivity, say: Say
) -> ExportResult:
    """Write the runs that W&B does not have into files that a later export sends."""
    ledger = Ledger(folder, f"{offline.url} {destination.label()}")
    outbox = _outbox(folder)
    outbox.mkdir(exist_ok=True)
    sent = [trial for trial in trials if ledger.verified(source.run_id_of(trial))]
    missing = [trial for trial in trials if trial not in set(sent)]
    files = {trial: outbox / f"run-{source.run_id_of(trial)}.wandb" for trial in missing}
    for file in files.values():
        if file.exists() and not is_complete(file):
            say(f"{file} is damaged; it is written again from the records")
            file.unlink()
    with ExportProgress("runs written", len(missing), say) as progress:
        for content in trial_runs(source, [trial for trial in missing if not files[trial].exists()]):
            write_log(outbox / f"run-{content.id}.wandb", as_records(content, destination))
            progress.advance()
    write_sweep(source, destination, folder)
    return ExportResult(
        destination.label(),
        verified=len(sent),
        waiting=len(missing) + 1,
        offline_reason=offline.offline_reason,
        transient=offline.transient,
        finished=_finished(source),
    )


def _send(source: RecordedRun, trials: list[str], delivery: Delivery, folder: Path) -> ExportResult:
    """Send the runs that W&B does not have."""
    context = delivery.context
    where, ledger, say = context.destination.label(), context.ledger, context.say
    runs = [*map(source.run_id_of, trials), sweep_id(source)]
    context.confirm([id_ for id_ in runs if ledger.verified(id_)])
    missing = [trial for trial in trials if not ledger.verified(source.run_id_of(trial))]
    if missing:
        say(requests_in_words(len(missing)))
    send_trials(source, missing, delivery)
    deliver_sweep(source, context, folder)
    verified = sum(ledger.verified(id_) is not None and id_ not in context.problems for id_ in runs)
    if context.outbox.exists() and not any(context.outbox.iterdir()):
        context.outbox.rmdir()
    return ExportResult(where, verified, problems=context.problems, finished=_finished(source))


def send_trials(source: RecordedRun, trials: list[str], delivery: Delivery) -> None:
    """Send the runs of some trials, and wait until W&B lists them.

    Args:
        source: The recorded run.
        trials: Their ids.
        delivery: Sends them.
    """
    what = f"runs sent to W&B ({delivery.context.destination.label()})"
    contents = trial_runs(source, trials)
    with ExportProgress(what, len(trials), delivery.context.say) as progress:
        while batch := list(itertools.islice(contents, BATCH)):
            delivery.deliver(batch)
            progress.advance(len(batch))
    delivery.wait_until_listed()
