"""The context of an export: destination, ledger, problems, and queries of W&B with its rate limit and its delays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.durations import duration
from pipeline.errors import number_of
from pipeline.tracking.export.connection import Connection, RemoteRun
from pipeline.tracking.export.ledger import Ledger, LedgerEntry, run_id
from pipeline.tracking.export.run_content import Destination
from pipeline.tracking.export.streaming import RETRY_LATER
from pipeline.tracking.export.sync_process import sync_file
from pipeline.tracking.retries import LONGEST_LIST_DELAY_SECONDS, Clock, timeout_seconds
from pipeline.tracking.wandb_errors import TroubleError

BATCH = 50
"""Runs that are sent together, and listed by one query."""
SECONDS_BETWEEN_MESSAGES = 120.0
RATE_LIMITED, MOST_RATE_LIMITED = "HTTP 429", 3
RATE_WINDOW_SECONDS = 61.0
"""W&B counts requests by the minute; its client gives up before one is over."""


@dataclass
class ExportContext:
    """An export of one sweep to one destination.

    Args:
        connection: To W&B.
        destination: Entity and project.
        ledger: What was sent and what has arrived.
        outbox: Folder of the files that wait from a time without a connection.
        say: Told what a person should know.
        clock: Waits.
        list_wait_seconds: How long W&B is waited for that does not list what it has taken.
        problems: What is wrong, by run.
        foreign: Runs under whose ids W&B has other records.
        arrived: How many runs W&B has confirmed.
        said_at: When a person was last told that W&B is late.
    """

    connection: Connection
    destination: Destination
    ledger: Ledger
    outbox: Path
    say: Callable[[str], None]
    clock: Clock = field(default_factory=Clock)
    list_wait_seconds: float = LONGEST_LIST_DELAY_SECONDS
    problems: dict[str, str] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    arrived: int = 0
    said_at: float = float("-inf")

    def remote_id(self, id_: str) -> str:
        """The id that a run has on W&B now: another one after it was deleted there.

        Args:
            id_: Its first id.

        Returns:
            The id.
        """
        return run_id(id_, self.ledger.generation(id_))

    def entry(self, id_: str, state: str, digest: str, rows: int = 0, sending: str = "") -> LedgerEntry:
        """An entry of the ledger, of the present generation of a run.

        Args:
            id_: Its first id.
            state: As in ``LedgerEntry``.
            digest: Of its content.
            rows: Of its history.
            sending: The nonce.

        Returns:
            The entry, which is not added yet.
        """
        return LedgerEntry(id_, self.ledger.destination, state, self.ledger.generation(id_), rows, digest, sending)

    def note_deleted(self, id_: str) -> None:
        """Note that a run was deleted on W&B, so that it goes there under another id.

        Args:
            id_: Its first id.
        """
        generation = self.ledger.generation(id_)
        self.say(f"run {run_id(id_, generation)} was deleted on W&B; it goes there under another id")
        self.ledger.add(LedgerEntry(id_, self.ledger.destination, "deleted", generation))

    # Queries, with retries: the client of wandb 0.31.0 gives up within seconds.

    def listed(self, names: Sequence[str]) -> dict[str, RemoteRun]:
        """Some runs as W&B lists them, by the id they have there.

        Args:
            names: Their ids there.

        Returns:
            By id; those it does not have are missing.

        Raises:
            RefusedError: If it says no.
            TroubleError: If it does not answer as it should, or limits requests for longer than anybody waits.
        """
        for _ in range(MOST_RATE_LIMITED):
            try:
                return self.connection.runs(self.destination, names)
            except TroubleError as trouble:
                if RATE_LIMITED not in trouble.what or RETRY_LATER in trouble.what:
                    raise
            self._wait_a_minute()
        return self.connection.runs(self.destination, names)

    def sync(self, file: Path) -> str:
        """Send a transaction log by ``wandb sync``.

        Args:
            file: The log.

        Returns:
            What went wrong; empty if nothing did.
        """
        for _ in range(MOST_RATE_LIMITED):
            said = sync_file(file, self.connection.scratch)
            if RATE_LIMITED not in said:
                break
            self._wait_a_minute()
        return said

    def _wait_a_minute(self) -> None:
        self.say(f"W&B limits requests (HTTP 429); retrying in {duration(RATE_WINDOW_SECONDS)}")
        self.clock.sleep(RATE_WINDOW_SECONDS)

    def confirm(self, ids: Sequence[str]) -> None:
        """Verify runs that were there: one that W&B neither lists nor knows by its id was deleted.

        Args:
            ids: Their first ids.
        """
        for some in in_batches(ids):
            names = {id_: self.remote_id(id_) for id_ in some}
            listed = self.listed(list(names.values()))
            for id_ in some:
                there = listed.get(names[id_]) or self.connection.run(self.destination, names[id_])
                noted = self.ledger.verified(id_)
                if there is None or noted is None:
                    self.note_deleted(id_)
                elif there.rows > noted.rows:
                    self.problems[id_] = too_many_rows(there.rows, noted.rows)
                elif there.rows < noted.rows:
                    self.ledger.add(dataclasses.replace(noted, state="sent"))
                else:
                    self.arrived += 1

    # Words for delays.

    def say_if_delayed(self, runs: int, begun: float) -> None:
        """Say now and then that W&B's lists are late, and that nobody has to wait for them.

        Args:
            runs: How many it does not list yet.
            begun: Since when it is waited for, in seconds since 1970.
        """
        now = self.clock.now()
        if not runs or now < max(begun + timeout_seconds(), self.said_at + SECONDS_BETWEEN_MESSAGES):
            return
        self.said_at = now
        self.say(
            f"W&B has taken {number_of(runs, 'run')} that it does not list yet, which may take it "
            f"{duration(LONGEST_LIST_DELAY_SECONDS)}; the same command typed later asks again, and sends nothing twice"
        )

    def incomplete_in_words(self, since: float, listed_at: float | None) -> str:
        """What is wrong with a run that W&B took and does not list whole.

        Args:
            since: When W&B took it, in seconds since 1970.
            listed_at: When a list first had it as of that sending, if one did.

        Returns:
            A problem in words.
        """
        if listed_at is not None:
            return "W&B took it without a complaint and does not have it whole"
        ago = duration(self.clock.now() - since)
        return f"W&B took it {ago} ago and does not list it yet; the same command asks again, and sends nothing twice"


def too_many_rows(there: int, sent: int) -> str:
    """What to say of a run of which W&B has rows that nobody has sent."""
    return f"W&B has {there} rows of it, and {sent} were sent: delete it there, and the same command sends it again"


def in_batches(ids: Sequence[str]) -> list[Sequence[str]]:
    """Ids in parts that fit into one query."""
    return [ids[first : first + BATCH] for first in range(0, len(ids), BATCH)]
