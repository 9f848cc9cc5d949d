"""The run of a whole sweep on W&B: tables, aggregates over seeds, verdicts, the report, and where it all comes from.

It has no history: everything is in its summary, which is replaced as a whole whenever the sweep
has come further, so that sending it twice does no harm.
"""

from __future__ import annotations

import dataclasses
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.tracking.export.client import FINISHED, Held
from pipeline.tracking.export.ledger import Entry, run_id
from pipeline.tracking.export.run_content import DIGEST
from pipeline.tracking.export.sweep_content import RECORDS, digest_of, known_by, records_of, sweep_id, write_sweep
from pipeline.tracking.export.trial_runs import Exportable
from pipeline.tracking.retries import LATE_SECONDS, answer_seconds, pauses
from pipeline.tracking.wandb_errors import TroubleError

if TYPE_CHECKING:
    from pipeline.tracking.export.delivery import Delivery


def deliver_sweep(source: Exportable, delivery: Delivery, folder: Path) -> bool:
    """Bring the run of the sweep to W&B, unless what is there says the same; whether it is there.

    Raises:
        TroubleError: If the server does not answer as it should.
    """
    id_, digest = sweep_id(source), digest_of(source)
    ledger = delivery.ledger
    known, underway = ledger.verified(id_), ledger.underway(id_)
    if known is not None and known.digest == digest:
        return True
    there = _held(delivery, id_)
    if there is not None and _is_whole(there, digest):
        ledger.add(_entry(delivery, id_, "verified", digest))
        return True
    if there is not None and (wrong := of_another_training(source, there, delivery)):
        delivery.problems[id_] = wrong
        return False
    if underway is not None and underway.state == "taken" and underway.digest == digest:
        left = LATE_SECONDS - ledger.age_seconds(underway)
        if left > 0 and not _is_as_late_as(there, underway.sending):
            return _arrives(delivery, folder, underway, min(left, delivery.patience_seconds))
    for _ in range(2):
        noted = _send(source, delivery, folder, id_, digest)
        if noted is not None:
            return _arrives(delivery, folder, noted, delivery.patience_seconds)
        if id_ in delivery.problems:
            return False
    raise TroubleError("the run of the sweep is deleted whenever it is sent", where=delivery.destination.label())


def _send(source: Exportable, delivery: Delivery, folder: Path, id_: str, digest: str) -> Entry | None:
    """Send the run of the sweep; what is noted of it, or nothing if W&B has not taken it."""
    name = run_id(id_, delivery.ledger.generation(id_))
    sending = uuid.uuid4().hex[:8]
    file = write_sweep(source, delivery.destination, folder, name, sending)
    delivery.ledger.add(_entry(delivery, id_, "sent", digest, sending))
    said = delivery.sent_by_client(file)
    if "deleted" in said:
        delivery.forget(id_)
        return None
    if said:
        delivery.problems[id_] = said
        return None
    noted = _entry(delivery, id_, "taken", digest, sending)
    delivery.ledger.add(noted)
    return noted


def _arrives(delivery: Delivery, folder: Path, noted: Entry, patience_seconds: float) -> bool:
    """Wait until W&B lists the run of the sweep as it was sent; whether it does."""
    clock, wait = delivery.clock, pauses()
    begun, shown_at = clock.now(), None
    while True:
        there = _held(delivery, noted.run)
        if there is not None and _is_whole(there, noted.digest):
            delivery.ledger.add(dataclasses.replace(noted, state="verified"))
            for left in ("offline-run-sweep", "staging"):
                shutil.rmtree(folder / left, ignore_errors=True)
            return True
        now = clock.now()
        if shown_at is None and _is_as_late_as(there, noted.sending):
            shown_at = now
        if now - begun > patience_seconds or (shown_at is not None and now - shown_at > answer_seconds()):
            delivery.problems[noted.run] = delivery.not_whole(begun, shown_at)
            return False
        delivery.say_if_late(shown_at is None, begun)
        clock.sleep(next(wait))


def _held(delivery: Delivery, id_: str) -> Held | None:
    name = run_id(id_, delivery.ledger.generation(id_))
    return delivery.listed([name]).get(name)


def _is_whole(there: Held, digest: str) -> bool:
    return there.state in FINISHED and there.summary.get(DIGEST) == digest


def _is_as_late_as(there: Held | None, sending: str) -> bool:
    """Whether a list shows the run as of a sending, or later."""
    return there is not None and there.sending == sending


def _entry(delivery: Delivery, id_: str, state: str, digest: str, sending: str = "") -> Entry:
    generation, where = delivery.ledger.generation(id_), delivery.ledger.destination
    return Entry(id_, where, state, generation, 0, digest, sending)


def of_another_training(source: Exportable, there: Held, delivery: Delivery) -> str:
    """Why the run of a sweep on W&B is not of this training, whose trials have the same ids; nothing if it may be."""
    theirs = there.config.get(RECORDS)
    theirs = theirs if isinstance(theirs, dict) else {}
    ours = records_of(source, known_by(source))
    differ = any(ours[trial] != said for trial, said in theirs.items() if trial in ours)
    if not (differ or delivery.strangers):
        return ""
    return (
        "W&B has the sweep of another training under its id, with other results: delete it there, or take another "
        "--set tracking.project=..."
    )
