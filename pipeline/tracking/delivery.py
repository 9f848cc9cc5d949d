"""Bringing runs to W&B: each exactly once and whole, as W&B itself confirms.

Before anything is sent W&B is asked what it holds. A run it does not have is sent, one that
is whole is noted, and of one that was interrupted the rest is sent: the client adds the rows
of a file after those that are there. After sending W&B is asked again, and only what it says counts.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.tracking.content import Destination, RunContent, as_records
from pipeline.tracking.ledger import Entry, Ledger, run_id
from pipeline.tracking.network import RefusedError, TroubleError
from pipeline.tracking.remote import LIMITS, NO_ACCESS, PERMANENT, Held, Remote
from pipeline.tracking.transaction_log import is_whole, write_log

TRIES = 3
"""How often a run is sent without anything new arriving."""
BATCH = 50
"""Runs that are sent together, and asked for in one question."""
LONGEST_PAUSE_SECONDS = 60.0


@dataclass
class Delivery:
    """Brings runs to W&B and notes those that have arrived.

    Args:
        remote: The connection.
        destination: Where to.
        ledger: What has arrived.
        outbox: Folder of the files that are sent.
        say: Told what a person should know.
    """

    remote: Remote
    destination: Destination
    ledger: Ledger
    outbox: Path
    say: Callable[[str], None]
    problems: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    arrived: int = 0

    def deliver(self, contents: Sequence[RunContent]) -> int:
        """Bring some runs to W&B; how many of them are there, whole.

        What is wrong with one run is kept in ``problems`` and does not keep the others.

        Raises:
            RefusedError: If no run may be sent there.
            TroubleError: If the server does not answer as it should, so that there is no use in going on.
        """
        left = {content.id: content for content in contents}
        words: dict[str, str] = {}
        tries = 0
        while left and tries < TRIES:
            self._wait(tries)
            before = len(left)
            held = self._held(list(left.values()))
            self._note(left, held)
            self._refuse_strangers(left, held)
            if left:
                words = self._send(left, held)
                self._settle(left, words)
                self._look_at(left, words)
            tries = 0 if len(left) < before else tries + 1
        for id_ in left:
            self.problems[id_] = words.get(id_, "W&B took it without a complaint and does not have it whole")
        there = sum(id_ not in self.problems for id_ in (content.id for content in contents))
        if left and not there:
            self._give_up(next(iter(left)))
        return there

    def _give_up(self, id_: str) -> None:
        """Stop an export of which nothing arrives any more."""
        hint = "what has arrived is noted; the same command goes on from there"
        raise TroubleError(self.problems[id_], where=self.destination.label(), hint=hint)

    def name(self, content: RunContent) -> str:
        """The id of a run on W&B now."""
        return run_id(content.id, self.ledger.generation(content.id))

    def waiting(self, content: RunContent) -> Path:
        """The file in which a run waits that could not be sent before."""
        return self.outbox / f"run-{content.id}.wandb"

    def file(self, content: RunContent) -> Path:
        """The file that a run is sent as, in a folder of its own: the client keeps more beside it."""
        folder = self.remote.scratch / f"offline-run-{self.name(content)}"
        (folder / "files").mkdir(parents=True, exist_ok=True)
        return folder / f"run-{self.name(content)}.wandb"

    def _held(self, contents: Sequence[RunContent]) -> dict[str, Held]:
        """What W&B holds of some runs, by the id they have here."""
        names = {self.name(content): content.id for content in contents}
        found = self.remote.held(self.destination, list(names))
        return {names[name]: held for name, held in found.items()}

    def _note(self, left: dict[str, RunContent], held: dict[str, Held]) -> None:
        """Note the runs that W&B holds whole, and leave them out from now on."""
        entries = []
        for id_, content in list(left.items()):
            if id_ in held and held[id_].is_whole(content):
                generation = self.ledger.generation(id_)
                rows, where = len(content.rows), self.ledger.destination
                entries.append(Entry(id_, where, "verified", generation, rows, content.digest))
                self.waiting(content).unlink(missing_ok=True)
                del left[id_]
        if entries:
            self.ledger.add(*entries)
            self.arrived += len(entries)

    def _refuse_strangers(self, left: dict[str, RunContent], held: dict[str, Held]) -> None:
        """Leave alone what W&B holds under the id of one of our runs and is not ours."""
        for id_, content in list(left.items()):
            there = held.get(id_)
            if there is None:
                continue
            if there.is_other(content):
                self.problems[id_] = (
                    "W&B has another result under its id, of a training elsewhere or before: delete it "
                    "there, or take another --set tracking.project=..."
                )
                del left[id_]
            elif there.rows > len(content.rows):
                self.problems[id_] = (
                    f"W&B has {there.rows} rows of it, and there are {len(content.rows)}: delete it there, "
                    "and the same command sends it again"
                )
                del left[id_]

    def _send(self, left: dict[str, RunContent], held: dict[str, Held]) -> dict[str, str]:
        """Send what W&B lacks; what it said to each run that it did not take."""
        files = {}
        for id_, content in left.items():
            file, waiting = self.file(content), self.waiting(content)
            if waiting.exists() and not is_whole(waiting):
                self.say(f"{waiting} is damaged; it is written again from the records")
                waiting.unlink()
            named = dataclasses.replace(content, id=self.name(content))
            write_log(file, as_records(named, self.destination, held[id_].rows if id_ in held else 0))
            files[file] = id_
        said = {files[file]: words for file, words in self.remote.send(list(files)).items()}
        for file in files:
            shutil.rmtree(file.parent)
        return said

    def _settle(self, left: dict[str, RunContent], words: dict[str, str]) -> None:
        """Ask until what was taken without a complaint is there, as long as an answer may take."""
        patience = float(os.environ.get("WANDB_HTTP_TIMEOUT", LIMITS["WANDB_HTTP_TIMEOUT"]))
        until, pause = time.monotonic() + patience, 0.2
        while True:
            self._note(left, self._held(list(left.values())))
            if not left.keys() - words.keys() or time.monotonic() > until:
                return
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    def _look_at(self, left: dict[str, RunContent], words: dict[str, str]) -> None:
        """Draw conclusions from what the server said to the runs that have not arrived."""
        self.pause_seconds /= 2
        said = {id_: words[id_] for id_ in left if id_ in words}
        for id_, text in said.items():
            if "deleted" in text:
                generation = self.ledger.generation(id_)
                self.say(f"run {run_id(id_, generation)} was deleted on W&B; it goes there under another id")
                self.ledger.add(Entry(id_, self.ledger.destination, "deleted", generation))
            elif text.startswith(tuple(f"HTTP {status}" for status in PERMANENT)):
                self.problems[id_] = text
        closed = [text for text in said.values() if text.startswith(tuple(f"HTTP {status}" for status in NO_ACCESS))]
        if closed and len(closed) == len(left) and not self.arrived:
            where, hint = self.destination.label(), "ask for access, or name another: --set tracking.entity=..."
            raise RefusedError(f"W&B refuses the runs: {closed[0]}", where=where, hint=hint)
        for id_ in said.keys() & self.problems.keys():
            del left[id_]
        if any("HTTP 429" in text for text in said.values()):
            self.pause_seconds = min(LONGEST_PAUSE_SECONDS, max(2.0, 4 * self.pause_seconds))
            self.say(f"W&B asks for patience (HTTP 429); going on in {self._bounded(self.pause_seconds):.0f} s")

    def _wait(self, tries: int) -> None:
        time.sleep(self._bounded(max(self.pause_seconds, 2.0 * 4 ** (tries - 1) if tries else 0.0)))

    def _bounded(self, seconds: float) -> float:
        """Not longer than the client may wait between two of its own tries."""
        name = "WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS"
        return min(seconds, float(os.environ.get(name, LIMITS[name])))
