"""Exporting a run to W&B: from its records alone, at any time, as often as one likes.

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
from pipeline.plan import read_plan
from pipeline.records.locks import EXPORT, locked
from pipeline.records.store import read_outcomes
from pipeline.report.tables.results import read_results
from pipeline.tracking.export.client import Remote, hear
from pipeline.tracking.export.consistent_read import patiently
from pipeline.tracking.export.delivery import BATCH, Delivery
from pipeline.tracking.export.destination import Way, destination_of, has_key, way
from pipeline.tracking.export.ledger import Ledger
from pipeline.tracking.export.progress import Progress
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.sweep_content import sweep_id, write_sweep
from pipeline.tracking.export.sweep_run import deliver_sweep
from pipeline.tracking.export.sync_process import end_left_sender
from pipeline.tracking.export.trial_runs import Exportable, trial_runs
from pipeline.tracking.export.trial_selection import chosen_trials
from pipeline.tracking.retries import LATE_SECONDS, ONLINE_SECONDS, Clock, in_advance
from pipeline.tracking.settings import settings_that_count
from pipeline.tracking.wandb_errors import UnreachableError
from pipeline.tracking.wandb_files.client_folders import client_at
from pipeline.tracking.wandb_files.run_records import as_records
from pipeline.tracking.wandb_files.transaction_log import is_whole, write_log

Say = Callable[[str], None]
CLOCK = Clock()


class BusyError(PipelineError):
    """Another export is at work in the run."""


@dataclass
class Exported:
    """What came of an export.

    Args:
        destination: Where to, in words.
        there: Runs that W&B confirms, those of earlier exports included.
        waiting: Runs that lie in files, to be sent later.
        problems: What is wrong, by run.
        closed: Why nothing was sent; empty if it was.
        passing: Whether that may pass by itself.
        finished: Whether every trial of the plan is.
    """

    destination: str
    there: int = 0
    waiting: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    closed: str = ""
    passing: bool = False
    finished: bool = False


def export(
    run: Path,
    tracking: Tracking | None,
    profile: Destination | None,
    say: Say,
    *,
    online: bool = False,
    clock: Clock = CLOCK,
) -> Exported:
    """Bring the finished trials of a run to W&B, or into files where there is no way to it.

    Args:
        run: Folder of the run.
        tracking: What is to go where; none: what the plan says.
        profile: Entity and project of the cluster.
        say: Told what a person should know.
        online: Write nothing into files for later, and do not wait long: another export looks after it.
        clock: Waits for W&B.

    Raises:
        UnreachableError: If there is no way to W&B, and nothing may be written into files.
        BusyError: If another export is at work in the run.
        PipelineError: If the folder is not that of a run, or W&B does not do what it should. What has arrived until
            then is noted.
    """
    with alone(run, say) as folder, client_at(folder) as scratch, settings_that_count(say):
        end_left_sender(folder)
        open_way = way(has_key=has_key())
        if open_way.closed and online:
            raise UnreachableError(open_way.closed)
        source = read_run(run)
        asked = tracking or source.plan.experiment.tracking
        destination = destination_of(asked, profile)
        trials = chosen_trials(asked, source.results)
        if open_way.warning:
            say(open_way.warning)
        if open_way.closed:
            return _write(source, trials, destination, folder, open_way, say)
        hear(open_way.url, clock, say)
        remote = Remote(scratch)
        streaming = remote.streaming(open_way.url, clock, say)
        ledger = Ledger(folder, f"{open_way.url} {destination.label()}", clock.now)
        whole = Destination(destination.entity or remote.entity(), destination.project)
        patience = ONLINE_SECONDS if online else LATE_SECONDS
        delivery = Delivery(remote, streaming, whole, ledger, _outbox(folder), say, clock, patience)
        return _send(source, trials, delivery, folder)


@contextmanager
def alone(run: Path, say: Say) -> Iterator[Path]:
    """Be the only export at work in a run's folder; gives the folder of what belongs to W&B."""
    if not (run / "plan.json").exists():
        read_plan(run)  # says what is wrong
    path = run / EXPORT
    path.parent.mkdir(exist_ok=True)
    lock = locked(path, say) or _after_a_moment(path, say)
    if lock is None:
        hint = "wait until it is done; it sends all that is finished"
        raise BusyError("another sync is at work in this run", where=str(run), hint=hint)
    with lock:
        os.utime(path)
        yield path.parent


def _after_a_moment(path: Path, say: Say) -> IO[str] | None:
    """Lock a file that a job may hold for as long as it takes to see whether it can."""
    time.sleep(0.5)
    return locked(path, say)


def read_run(run: Path) -> Exportable:
    """What is recorded of a run."""
    return patiently(lambda: _read(run))


def _read(run: Path) -> Exportable:
    plan, outcomes = read_plan(run), read_outcomes(run)
    return Exportable(run, plan, read_results(run, plan, outcomes), outcomes)


def _outbox(folder: Path) -> Path:
    """Where files wait to be sent; W&B's client wants the folder to be called so."""
    return folder / "offline-run-trials"


def _finished(source: Exportable) -> bool:
    return bool((source.results["status"] != "pending").all())


def _write(
    source: Exportable, trials: list[str], destination: Destination, folder: Path, closed: Way, say: Say
) -> Exported:
    """Write what is not on W&B yet into files that a later export sends."""
    ledger = Ledger(folder, f"{closed.url} {destination.label()}")
    outbox = _outbox(folder)
    outbox.mkdir(exist_ok=True)
    sent = [trial for trial in trials if ledger.verified(source.id_of(trial))]
    missing = [trial for trial in trials if trial not in set(sent)]
    files = {trial: outbox / f"run-{source.id_of(trial)}.wandb" for trial in missing}
    for file in files.values():
        if file.exists() and not is_whole(file):
            say(f"{file} is damaged; it is written again from the records")
            file.unlink()
    progress = Progress("runs written", len(missing), say)
    for content in trial_runs(source, [trial for trial in missing if not files[trial].exists()]):
        write_log(outbox / f"run-{content.id}.wandb", as_records(content, destination))
        progress.advance()
    write_sweep(source, destination, folder)
    waiting, finished = len(missing) + 1, _finished(source)
    return Exported(destination.label(), len(sent), waiting, {}, closed.closed, closed.passing, finished)


def _send(source: Exportable, trials: list[str], delivery: Delivery, folder: Path) -> Exported:
    """Bring what is not on W&B there."""
    where, ledger, say = delivery.destination.label(), delivery.ledger, delivery.say
    runs = [*map(source.id_of, trials), sweep_id(source)]
    delivery.confirm([id_ for id_ in runs if ledger.verified(id_)])
    missing = [trial for trial in trials if not ledger.verified(source.id_of(trial))]
    if missing:
        say(in_advance(len(missing)))
    send_trials(source, missing, delivery)
    deliver_sweep(source, delivery, folder)
    there = [id_ for id_ in runs if ledger.verified(id_) and id_ not in delivery.problems]
    if delivery.outbox.exists() and not any(delivery.outbox.iterdir()):
        delivery.outbox.rmdir()
    return Exported(where, len(there), problems=delivery.problems, finished=_finished(source))


def send_trials(source: Exportable, trials: list[str], delivery: Delivery) -> None:
    """Bring the runs of some trials to W&B, and wait until it has them."""
    progress = Progress(f"runs sent to W&B ({delivery.destination.label()})", len(trials), delivery.say)
    contents = trial_runs(source, trials)
    while batch := list(itertools.islice(contents, BATCH)):
        delivery.deliver(batch)
        progress.advance(len(batch))
    delivery.settle()
