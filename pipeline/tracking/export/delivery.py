"""Exactly-once delivery of the runs of trials, each whole, as W&B itself confirms.

W&B is first queried for what it has, and whole runs are noted in the ledger. A sending is noted before it begins, with
a nonce that the run's configuration gets; afterwards W&B is polled until its list has the run whole. Lists are late,
now and then by minutes, so a run that was sent and may be there is not sent again: it is upserted without rows, under a
new nonce, which changes nothing if it is there. Once the list has that nonce it is not older than the upsert, and the
rows that it has are all that arrived.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.tracking.export.connection import RemoteRun
from pipeline.tracking.export.export_context import ExportContext, in_batches, too_many_rows
from pipeline.tracking.export.ledger import LedgerEntry
from pipeline.tracking.export.run_content import RunContent
from pipeline.tracking.export.streaming import (
    CONCURRENT_REQUESTS,
    DoubtfulError,
    RefusedRunError,
    Streaming,
    UpsertedRun,
)
from pipeline.tracking.retries import ROW_COUNT_DELAY_SECONDS, backoff, timeout_seconds
from pipeline.tracking.wandb_errors import NO_ACCESS, PERMANENT, RefusedError, TroubleError
from pipeline.tracking.wandb_files.transaction_log import is_complete

Answer = TypeVar("Answer")

TRIES = 3
"""How often a run is sent of which nobody knows whether it has arrived."""
MOST_GENERATIONS = 20
"""How often a run may have been deleted on W&B before that is taken for a fault."""


@dataclass
class PendingRun:
    """A run that W&B has upserted and does not list whole yet.

    Args:
        content: The run, under the id that it has here.
        sending: The nonce of this sending.
        since: When W&B upserted it, in seconds since 1970.
        taken_at: When W&B took its rows and its end.
        tries: How often it was sent.
        listed_at: When a list first was as late as this sending.
        said: What was wrong last.
    """

    content: RunContent
    sending: str
    since: float
    taken_at: float | None = None
    tries: int = 0
    listed_at: float | None = None
    said: str = ""

    def expected_at(self) -> float | None:
        """When a list should have it whole: as long after W&B took it as the list was late before."""
        if self.taken_at is None or self.listed_at is None:
            return None
        return max(self.listed_at, self.taken_at + 2 * (self.listed_at - self.since))


@dataclass
class Delivery:
    """Sends the runs of trials and notes those that have arrived.

    Args:
        context: Of the export.
        streaming: The requests that send.
        unsent: What W&B said to runs that it did not take, by id.
        pending: Runs that it took and does not list whole yet, by id.
    """

    context: ExportContext
    streaming: Streaming
    unsent: dict[str, str] = field(default_factory=dict)
    pending: dict[str, PendingRun] = field(default_factory=dict)

    def deliver(self, contents: Sequence[RunContent]) -> None:
        """Send some runs that W&B does not have; whether they arrive, ``wait_until_listed`` says.

        What is wrong with one run is kept in the problems of the context, and does not stop the others.

        Args:
            contents: The runs, at most one batch.

        Raises:
            RefusedError: If no run may be sent there.
            TroubleError: If the server does not answer as it should, so that there is no use in going on.
        """
        left = {content.id: content for content in contents}
        for content in contents:
            self._check_outbox_file(self.outbox_file(content))
        listed = self._listed(left.values())
        self._note_arrived(left, listed)
        if not left:
            return
        self._upsert_and_send(left, listed)
        self._poll(left)
        if not left.keys() - self.unsent.keys():
            self._give_up([self.unsent[id_] for id_ in left])

    def wait_until_listed(self) -> None:
        """Poll until W&B lists all that was sent, or it has had its time; what it does not list is a problem.

        Raises:
            RefusedError: If no run may be sent there.
            TroubleError: If nothing arrives and that may change.
        """
        clock, wait = self.context.clock, backoff()
        begun = clock.now()
        while self.pending:
            for some in in_batches(list(self.pending)):
                self._poll({id_: self.pending[id_].content for id_ in some})
            self._time_out()
            self.context.say_if_delayed(sum(run.listed_at is None for run in self.pending.values()), begun)
            if self.pending:
                clock.sleep(next(wait))
        if self.unsent and not self.context.arrived:
            self._give_up(list(self.unsent.values()))

    def outbox_file(self, content: RunContent) -> Path:
        """The file in which a run waits since an export that was offline."""
        return self.context.outbox / f"run-{content.id}.wandb"

    def _check_outbox_file(self, waiting: Path) -> None:
        """Say that a file is damaged: what is sent is made from the records in any case."""
        if waiting.exists() and not is_complete(waiting):
            self.context.say(f"{waiting} is damaged; it is written again from the records")
            waiting.unlink()

    def _give_up(self, said: Sequence[str]) -> None:
        """Stop an export of which nothing arrives any more, for what W&B said to the runs that it did not take."""
        where = self.context.destination.label()
        if all(_has_status(words, NO_ACCESS) for words in said) and not (self.context.arrived or self.pending):
            hint = "ask for access, or name another: --set tracking.entity=..."
            raise RefusedError(f"W&B refuses the runs: {said[0]}", where=where, hint=hint)
        if not any(_has_status(words, PERMANENT) for words in said):
            hint = "what has arrived is noted; the same command goes on from there"
            raise TroubleError(said[0], where=where, hint=hint)

    # What W&B has.

    def _listed(self, contents: Iterable[RunContent]) -> dict[str, RemoteRun]:
        """What W&B lists of some runs, by the id they have here."""
        names = {self.context.remote_id(content.id): content.id for content in contents}
        return {names[name]: run for name, run in self.context.listed(list(names)).items()}

    def _note_arrived(self, left: dict[str, RunContent], listed: Mapping[str, RemoteRun]) -> None:
        """Note the runs that W&B has whole, refuse those that are not ours, and leave both out from now on."""
        entries = []
        for id_, content in list(left.items()):
            there = listed.get(id_)
            if there is None:
                continue
            if there.is_complete(content):
                entries.append(self._entry(content, "verified"))
                self.outbox_file(content).unlink(missing_ok=True)
            elif conflict := self._conflict(content, there):
                self.context.problems[id_] = conflict
            else:
                continue
            self.pending.pop(id_, None)
            del left[id_]
        self.context.ledger.add(*entries)
        self.context.arrived += len(entries)

    def _conflict(self, content: RunContent, there: RemoteRun) -> str:
        """Why what W&B has under the id of a run cannot become that run; nothing if it can."""
        if there.is_other(content):
            self.context.foreign.add(content.id)
            return (
                "W&B has another result under its id, of a training elsewhere or before: delete it there, or take "
                "another --set tracking.project=..."
            )
        if there.rows > len(content.rows):
            return too_many_rows(there.rows, len(content.rows))
        return ""

    def _entry(self, content: RunContent, state: str, sending: str = "") -> LedgerEntry:
        return self.context.entry(content.id, state, content.digest, len(content.rows), sending)

    # Sending.

    def _upsert_and_send(self, left: Mapping[str, RunContent], listed: Mapping[str, RemoteRun]) -> None:
        """Upsert runs, and send the rows of those of which it is known how many rows are there."""
        first_row: dict[str, int] = {}
        for id_, (content, sending, upserted) in self._upserted(left).items():
            rows, there, noted = upserted.rows, listed.get(id_), self.context.ledger.pending(id_)
            run = self.pending.setdefault(id_, PendingRun(content, "", 0.0))
            run.sending, run.since, run.listed_at, run.taken_at = sending, self.context.clock.now(), None, None
            is_listed = there is not None and there.rows == rows
            if upserted.new or rows == len(content.rows) or (noted is None and is_listed):
                first_row[id_] = rows
        self._send(first_row)

    def _upserted(self, left: Mapping[str, RunContent]) -> dict[str, tuple[RunContent, str, UpsertedRun]]:
        """Upsert runs, under another id where they were deleted; those that cannot be are problems."""
        upserted: dict[str, tuple[RunContent, str, UpsertedRun]] = {}
        missing = list(left.values())
        for _ in range(MOST_GENERATIONS):
            nonces = [uuid.uuid4().hex[:8] for _ in missing]
            answers = _concurrently(self._try_upsert, list(zip(missing, nonces, strict=True)))
            deleted = []
            for content, sending, answer in zip(missing, nonces, answers, strict=True):
                if isinstance(answer, UpsertedRun):
                    upserted[content.id] = (content, sending, answer)
                elif "deleted" in str(answer):
                    deleted.append(content)
                    self.context.note_deleted(content.id)
                else:
                    self._reject(content.id, str(answer))
            missing = deleted
        for content in missing:
            self._reject(content.id, f"W&B says of {MOST_GENERATIONS} ids, one after the other, that they were deleted")
        return upserted

    def _try_upsert(self, what: tuple[RunContent, str]) -> UpsertedRun | Exception:
        content, sending = what
        try:
            return self.streaming.upsert(self._under_remote_id(content), self.context.destination, sending)
        except (RefusedRunError, DoubtfulError) as error:
            return error

    def _reject(self, id_: str, said: str) -> None:
        """Keep what W&B said to a run that it did not take."""
        self.context.problems[id_] = self.unsent[id_] = said
        self.pending.pop(id_, None)

    def _under_remote_id(self, content: RunContent) -> RunContent:
        return dataclasses.replace(content, id=self.context.remote_id(content.id))

    def _send(self, first_row: Mapping[str, int]) -> None:
        """Send the rows of some runs from one on, once it is noted that they are sent."""
        ledger, sent = self.context.ledger, [self.pending[id_] for id_ in first_row]
        ledger.add(*(self._entry(run.content, "sent", run.sending) for run in sent))
        errors = _concurrently(lambda run: self._try_send(run.content, first_row[run.content.id]), sent)
        for run, error in zip(sent, errors, strict=True):
            run.tries += 1
            run.taken_at, run.said = (None, str(error)) if error else (self.context.clock.now(), "")
            if isinstance(error, RefusedRunError) or (error is not None and run.tries >= TRIES):
                self._reject(run.content.id, run.said)
        ledger.add(*(self._entry(run.content, "taken", run.sending) for run in sent if run.taken_at))

    def _try_send(self, content: RunContent, first_row: int) -> Exception | None:
        try:
            self.streaming.send(self._under_remote_id(content), self.context.destination, first_row)
        except (RefusedRunError, DoubtfulError) as error:
            return error
        return None

    # Waiting.

    def _poll(self, left: dict[str, RunContent]) -> None:
        """Ask once what W&B lists of pending runs, and send what has not arrived of them."""
        left = {id_: content for id_, content in left.items() if id_ in self.pending}
        if not left:
            return
        listed = self._listed(left.values())
        self._note_arrived(left, listed)
        first_row: dict[str, int] = {}
        doubtful: dict[str, RunContent] = {}
        for id_, content in left.items():
            run, there = self.pending[id_], listed.get(id_)
            if run.said and not run.taken_at:  # nobody knows whether the last sending arrived
                doubtful[id_] = content
            elif there is not None and there.sending == run.sending:
                run.listed_at = self.context.clock.now() if run.listed_at is None else run.listed_at
                if not run.taken_at and not self._may_be_counted_later(run):
                    first_row[id_] = there.rows
        if doubtful:
            for id_ in doubtful:
                self.pending[id_].said = ""
            self._upsert_and_send(doubtful, listed)
        self._send(first_row)

    def _may_be_counted_later(self, run: PendingRun) -> bool:
        """Whether rows that W&B does not count yet may be there: it took them, a short while ago."""
        noted = self.context.ledger.pending(run.content.id)
        if noted is None or noted.state != "taken":
            return False
        return self.context.ledger.age_seconds(noted) < ROW_COUNT_DELAY_SECONDS

    def _time_out(self) -> None:
        """Give up the runs that W&B has had its time for."""
        now = self.context.clock.now()
        for id_, run in list(self.pending.items()):
            expected_at = run.expected_at()
            late = expected_at is not None and now > expected_at + timeout_seconds()
            if late or now - run.since > self.context.list_wait_seconds:
                self.context.problems[id_] = self.context.incomplete_in_words(run.since, run.listed_at)
                del self.pending[id_]


def _has_status(words: str, statuses: Iterable[int]) -> bool:
    """Whether an answer had one of some HTTP statuses."""
    return words.startswith(tuple(f"HTTP {status}" for status in statuses))


def _concurrently(ask: Callable[..., Answer], what: Iterable[object]) -> list[Answer]:
    """Call a function for several arguments at a time; the results in their order."""
    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        return list(pool.map(ask, what))
