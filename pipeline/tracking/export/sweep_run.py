"""Delivery of the run of a whole sweep, whose tables, verdicts and report are in its summary.

It has no history: everything is in its summary, which is replaced as a whole whenever the sweep
has come further, so that sending it twice does no harm.
"""

from __future__ import annotations

import dataclasses
import shutil
import uuid
from pathlib import Path

from pipeline.tracking.export.connection import FINISHED, RemoteRun
from pipeline.tracking.export.export_context import ExportContext
from pipeline.tracking.export.ledger import LedgerEntry
from pipeline.tracking.export.run_content import DIGEST
from pipeline.tracking.export.sweep_content import (
    RECORDS,
    identifying_trials,
    record_digests,
    sweep_digest,
    sweep_id,
    write_sweep,
)
from pipeline.tracking.export.trial_runs import RecordedRun
from pipeline.tracking.retries import LONGEST_LIST_DELAY_SECONDS, backoff, timeout_seconds
from pipeline.tracking.wandb_errors import TroubleError


def deliver_sweep(source: RecordedRun, context: ExportContext, folder: Path) -> bool:
    """Send the run of the sweep to W&B, unless the one that is there has the same digest.

    Args:
        source: The recorded run.
        context: Of the export.
        folder: Of what belongs to W&B.

    Returns:
        Whether W&B has it now.

    Raises:
        TroubleError: If the server does not answer as it should.
    """
    id_, digest = sweep_id(source), sweep_digest(source)
    ledger = context.ledger
    known, pending = ledger.verified(id_), ledger.pending(id_)
    if known is not None and known.digest == digest:
        return True
    there = _listed(context, id_)
    if there is not None and _is_complete(there, digest):
        ledger.add(context.entry(id_, "verified", digest))
        return True
    if there is not None and (conflict := conflict_with(source, there, context)):
        context.problems[id_] = conflict
        return False
    if pending is not None and pending.state == "taken" and pending.digest == digest:
        left = LONGEST_LIST_DELAY_SECONDS - ledger.age_seconds(pending)
        if left > 0 and not _is_as_of(there, pending.sending):
            return _wait_until_listed(context, folder, pending, min(left, context.list_wait_seconds))
    for _ in range(2):
        noted = _send(source, context, folder, id_, digest)
        if noted is not None:
            return _wait_until_listed(context, folder, noted, context.list_wait_seconds)
        if id_ in context.problems:
            return False
    raise TroubleError("the run of the sweep is deleted whenever it is sent", where=context.destination.label())


def _send(source: RecordedRun, context: ExportContext, folder: Path, id_: str, digest: str) -> LedgerEntry | None:
    """Send the run of the sweep; its entry in the ledger, or nothing if W&B has not taken it."""
    name = context.remote_id(id_)
    sending = uuid.uuid4().hex[:8]
    file = write_sweep(source, context.destination, folder, name, sending)
    context.ledger.add(context.entry(id_, "sent", digest, sending=sending))
    said = context.sync(file)
    if "deleted" in said:
        context.note_deleted(id_)
        return None
    if said:
        context.problems[id_] = said
        return None
    noted = context.entry(id_, "taken", digest, sending=sending)
    context.ledger.add(noted)
    return noted


def _wait_until_listed(context: ExportContext, folder: Path, noted: LedgerEntry, list_wait_seconds: float) -> bool:
    """Wait until W&B lists the run of the sweep as it was sent; whether it does in time."""
    clock, wait = context.clock, backoff()
    begun, listed_at = clock.now(), None
    while True:
        there = _listed(context, noted.run)
        if there is not None and _is_complete(there, noted.digest):
            context.ledger.add(dataclasses.replace(noted, state="verified"))
            for left in ("offline-run-sweep", "staging"):
                shutil.rmtree(folder / left, ignore_errors=True)
            return True
        now = clock.now()
        if listed_at is None and _is_as_of(there, noted.sending):
            listed_at = now
        if now - begun > list_wait_seconds or (listed_at is not None and now - listed_at > timeout_seconds()):
            context.problems[noted.run] = context.incomplete_in_words(begun, listed_at)
            return False
        context.say_if_delayed(listed_at is None, begun)
        clock.sleep(next(wait))


def _listed(context: ExportContext, id_: str) -> RemoteRun | None:
    name = context.remote_id(id_)
    return context.listed([name]).get(name)


def _is_complete(there: RemoteRun, digest: str) -> bool:
    return there.state in FINISHED and there.summary.get(DIGEST) == digest


def _is_as_of(there: RemoteRun | None, sending: str) -> bool:
    """Whether a list shows the run as of a sending, or later."""
    return there is not None and there.sending == sending


def conflict_with(source: RecordedRun, there: RemoteRun, context: ExportContext) -> str:
    """Why the run of a sweep on W&B is of another training, with other records of the same trials; else empty."""
    theirs = there.config.get(RECORDS)
    theirs = theirs if isinstance(theirs, dict) else {}
    ours = record_digests(source, identifying_trials(source))
    differ = any(ours[trial] != said for trial, said in theirs.items() if trial in ours)
    if not (differ or context.foreign):
        return ""
    return (
        "W&B has the sweep of another training under its id, with other results: delete it there, or take another "
        "--set tracking.project=..."
    )
