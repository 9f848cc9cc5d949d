"""Bringing runs to W&B: each exactly once and whole, as W&B itself confirms.

Before anything is sent W&B is asked what it holds: what is whole is noted. What is sent is noted before that, with a
word that the run's configuration gets, and afterwards W&B is asked until its list of runs has it whole. Lists are late,
now and then by minutes. So a run that was sent and may be there is not sent again: it is made anew without rows, under
a new word, which costs nothing if it is there; once the list has that word it is as late as that, and the rows that it
has are all that arrived.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pipeline.durations import duration
from pipeline.report.tables.printing import number_of
from pipeline.tracking.export.client import Held, Remote
from pipeline.tracking.export.ledger import Entry, Ledger, run_id
from pipeline.tracking.export.run_content import Destination, RunContent
from pipeline.tracking.export.streaming import AT_ONCE, LEFT_ALONE, DoubtfulError, Opened, RefusedRunError, Streaming
from pipeline.tracking.export.sync_process import sync_file
from pipeline.tracking.retries import LATE_SECONDS, RECOUNT_SECONDS, Clock, answer_seconds, pauses
from pipeline.tracking.wandb_errors import NO_ACCESS, PERMANENT, RefusedError, TroubleError
from pipeline.tracking.wandb_files.transaction_log import is_whole

Answer = TypeVar("Answer")

TRIES = 3
"""How often a run is sent of which nobody knows whether it has arrived."""
BATCH = 50
"""Runs that are sent together, and asked for in one question."""
SECONDS_BETWEEN_WORDS = 120.0
TOO_MANY, MOST_PATIENCE, MINUTE = "HTTP 429", 3, 61.0
MOST_GENERATIONS = 20
"""How often a run may have been deleted on W&B before that is taken for a fault."""


@dataclass
class Underway:
    """A run that W&B has made and does not list whole yet.

    Args:
        content: The run, under the id that it has here.
        sending: The word of this sending.
        since: When W&B made it, in seconds since 1970.
        taken_at: When W&B took its rows and its end.
        tries: How often it was sent.
        shown_at: When a list first was as late as this sending.
        said: What was wrong last.
    """

    content: RunContent
    sending: str
    since: float
    taken_at: float | None = None
    tries: int = 0
    shown_at: float | None = None
    said: str = ""

    def expected_at(self) -> float | None:
        """When a list should have it whole: as long after W&B took it as the list was late before."""
        if self.taken_at is None or self.shown_at is None:
            return None
        return max(self.shown_at, self.taken_at + 2 * (self.shown_at - self.since))


@dataclass
class Delivery:
    """Brings runs to W&B and notes those that have arrived.

    Args:
        remote: The connection to ask by.
        streaming: The connection to send by.
        destination: Where to.
        ledger: What was sent and what has arrived.
        outbox: Folder of the files that wait from a time without a way to W&B.
        say: Told what a person should know.
        clock: Waits.
        patience_seconds: How long W&B is waited for that does not list what it has taken.
    """

    remote: Remote
    streaming: Streaming
    destination: Destination
    ledger: Ledger
    outbox: Path
    say: Callable[[str], None]
    clock: Clock = field(default_factory=Clock)
    patience_seconds: float = LATE_SECONDS
    problems: dict[str, str] = field(default_factory=dict)
    unsent: dict[str, str] = field(default_factory=dict)
    underway: dict[str, Underway] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    arrived: int = 0
    said_at: float = float("-inf")

    def deliver(self, contents: Sequence[RunContent]) -> None:
        """Send some runs that W&B does not have; whether they arrive, ``settle`` says.

        What is wrong with one run is kept in ``problems`` and does not keep the others.

        Raises:
            RefusedError: If no run may be sent there.
            TroubleError: If the server does not answer as it should, so that there is no use in going on.
        """
        left = {content.id: content for content in contents}
        for content in contents:
            self._look_after(self.waiting(content))
        held = self._held(left.values())
        self._take_stock(left, held)
        if not left:
            return
        self._open(left, held)
        self._look(left)
        if not left.keys() - self.unsent.keys():
            self._give_up([self.unsent[id_] for id_ in left])

    def _give_up(self, said: Sequence[str]) -> None:
        """Stop an export of which nothing arrives any more, for what W&B said to the runs that it did not take."""
        if all(_is(words, NO_ACCESS) for words in said) and not (self.arrived or self.underway):
            hint = "ask for access, or name another: --set tracking.entity=..."
            raise RefusedError(f"W&B refuses the runs: {said[0]}", where=self.destination.label(), hint=hint)
        if not any(_is(words, PERMANENT) for words in said):
            hint = "what has arrived is noted; the same command goes on from there"
            raise TroubleError(said[0], where=self.destination.label(), hint=hint)

    def settle(self) -> None:
        """Ask until W&B lists all that was sent, as long as it may take; what it does not list is a problem."""
        begun, wait = self.clock.now(), pauses()
        while self.underway:
            for some in _in_batches(list(self.underway)):
                self._look({id_: self.underway[id_].content for id_ in some})
            self._resolve()
            self.say_if_late(sum(one.shown_at is None for one in self.underway.values()), begun)
            if self.underway:
                self.clock.sleep(next(wait))
        if self.unsent and not self.arrived:
            self._give_up(list(self.unsent.values()))

    def say_if_late(self, runs: int, begun: float) -> None:
        """Say now and then that W&B is late, and that nobody has to wait for it."""
        now = self.clock.now()
        if not runs or now < max(begun + answer_seconds(), self.said_at + SECONDS_BETWEEN_WORDS):
            return
        self.said_at = now
        self.say(
            f"W&B has taken {number_of(runs, 'run')} that it does not list yet, which may take it "
            f"{duration(LATE_SECONDS)}; the same command typed later asks again, and sends nothing twice"
        )

    def not_whole(self, since: float, shown_at: float | None) -> str:
        """What is wrong with a run that W&B took and does not list whole."""
        if shown_at is not None:
            return "W&B took it without a complaint and does not have it whole"
        ago = duration(self.clock.now() - since)
        return f"W&B took it {ago} ago and does not list it yet; the same command asks again, and sends nothing twice"

    def name(self, content: RunContent) -> str:
        """The id of a run on W&B now."""
        return run_id(content.id, self.ledger.generation(content.id))

    def waiting(self, content: RunContent) -> Path:
        """The file in which a run waits that could not be sent before."""
        return self.outbox / f"run-{content.id}.wandb"

    def _look_after(self, waiting: Path) -> None:
        """Tell of a file that waits and is damaged: what is sent is made from the records in any case."""
        if waiting.exists() and not is_whole(waiting):
            self.say(f"{waiting} is damaged; it is written again from the records")
            waiting.unlink()

    # What W&B has.

    def confirm(self, ids: Sequence[str]) -> None:
        """Ask W&B for runs that it had: those that it lists no more, and does not know by their id, are gone."""
        for some in _in_batches(ids):
            names = {id_: run_id(id_, self.ledger.generation(id_)) for id_ in some}
            held = self.listed(list(names.values()))
            for id_ in some:
                there = held.get(names[id_]) or self.remote.one(self.destination, names[id_])
                noted = self.ledger.verified(id_)
                if there is None or noted is None:
                    self.forget(id_)
                elif there.rows > noted.rows:
                    self.problems[id_] = too_many(there.rows, noted.rows)
                elif there.rows < noted.rows:
                    self.ledger.add(dataclasses.replace(noted, state="sent"))
                else:
                    self.arrived += 1

    def _held(self, contents: Iterable[RunContent]) -> dict[str, Held]:
        """What W&B lists of some runs, by the id they have here."""
        names = {self.name(content): content.id for content in contents}
        return {names[name]: held for name, held in self.listed(list(names)).items()}

    def listed(self, names: Sequence[str]) -> dict[str, Held]:
        """What W&B lists of some runs, by the id they have there."""
        for _ in range(MOST_PATIENCE):
            try:
                return self.remote.held(self.destination, names)
            except TroubleError as trouble:
                if TOO_MANY not in trouble.what or LEFT_ALONE in trouble.what:
                    raise
            self._leave_alone()
        return self.remote.held(self.destination, names)

    def sent_by_client(self, file: Path) -> str:
        """Send a file by W&B's client; what comes back is only what went wrong."""
        for _ in range(MOST_PATIENCE):
            said = sync_file(file, self.remote.scratch)
            if TOO_MANY not in said:
                break
            self._leave_alone()
        return said

    def _leave_alone(self) -> None:
        """Leave W&B alone for the minute of which it counts requests: its client gives up before."""
        self.say(f"W&B asks for patience (HTTP 429); going on in {duration(MINUTE)}")
        self.clock.sleep(MINUTE)

    def _take_stock(self, left: dict[str, RunContent], held: Mapping[str, Held]) -> None:
        """Note the runs that W&B has whole, refuse those that are not ours, and leave both out from now on."""
        entries = []
        for id_, content in list(left.items()):
            there = held.get(id_)
            if there is None:
                continue
            if there.is_whole(content):
                entries.append(self._entry(content, "verified"))
                self.waiting(content).unlink(missing_ok=True)
            elif wrong := self._wrong(content, there):
                self.problems[id_] = wrong
            else:
                continue
            self.underway.pop(id_, None)
            del left[id_]
        self.ledger.add(*entries)
        self.arrived += len(entries)

    def _wrong(self, content: RunContent, there: Held) -> str:
        """Why what W&B has under the id of a run cannot become that run; nothing if it can."""
        if there.is_other(content):
            self.strangers.add(content.id)
            return (
                "W&B has another result under its id, of a training elsewhere or before: delete it there, or take "
                "another --set tracking.project=..."
            )
        if there.rows > len(content.rows):
            return too_many(there.rows, len(content.rows))
        return ""

    def _entry(self, content: RunContent, state: str, sending: str = "") -> Entry:
        generation, where = self.ledger.generation(content.id), self.ledger.destination
        return Entry(content.id, where, state, generation, len(content.rows), content.digest, sending)

    # Sending.

    def _open(self, left: Mapping[str, RunContent], held: Mapping[str, Held]) -> None:
        """Make runs on W&B, and send what surely is not there."""
        ready: dict[str, int] = {}
        for id_, (content, sending, opened) in self._opened(left).items():
            rows, there, noted = opened.rows, held.get(id_), self.ledger.underway(id_)
            one = self.underway.setdefault(id_, Underway(content, "", 0.0))
            one.sending, one.since, one.shown_at, one.taken_at = sending, self.clock.now(), None, None
            listed = there is not None and there.rows == rows
            if opened.new or rows == len(content.rows) or (noted is None and listed):
                ready[id_] = rows
        self._send(ready)

    def _opened(self, left: Mapping[str, RunContent]) -> dict[str, tuple[RunContent, str, Opened]]:
        """Make runs, under another id where they were deleted; those that cannot be made are problems."""
        made: dict[str, tuple[RunContent, str, Opened]] = {}
        asked = list(left.values())
        for _ in range(MOST_GENERATIONS):
            words = [uuid.uuid4().hex[:8] for _ in asked]
            answers = _at_once(self._made, [(content, sending) for content, sending in zip(asked, words, strict=True)])
            again = []
            for content, sending, answer in zip(asked, words, answers, strict=True):
                if isinstance(answer, Opened):
                    made[content.id] = (content, sending, answer)
                elif "deleted" in str(answer):
                    again.append(content)
                    self.forget(content.id)
                else:
                    self._fail(content.id, str(answer))
            asked = again
        for content in asked:
            self._fail(content.id, f"W&B says of {MOST_GENERATIONS} ids, one after the other, that they were deleted")
        return made

    def _made(self, what: tuple[RunContent, str]) -> Opened | Exception:
        content, sending = what
        try:
            return self.streaming.open(self._named(content), self.destination, sending)
        except (RefusedRunError, DoubtfulError) as error:
            return error

    def _fail(self, id_: str, said: str) -> None:
        """Keep what W&B said to a run that it did not take."""
        self.problems[id_] = self.unsent[id_] = said
        self.underway.pop(id_, None)

    def _named(self, content: RunContent) -> RunContent:
        """A run under the id that it has on W&B now."""
        return dataclasses.replace(content, id=self.name(content))

    def forget(self, id_: str) -> None:
        """Note that a run is gone, so that it goes to W&B under another id."""
        generation = self.ledger.generation(id_)
        self.say(f"run {run_id(id_, generation)} was deleted on W&B; it goes there under another id")
        self.ledger.add(Entry(id_, self.ledger.destination, "deleted", generation))

    def _send(self, ready: Mapping[str, int]) -> None:
        """Send the rows of some runs from one on, once it is noted that they are sent."""
        sent = [self.underway[id_] for id_ in ready]
        self.ledger.add(*(self._entry(one.content, "sent", one.sending) for one in sent))
        said = _at_once(lambda one: self._sent(one.content, ready[one.content.id]), sent)
        for one, error in zip(sent, said, strict=True):
            one.tries += 1
            one.taken_at, one.said = (None, str(error)) if error else (self.clock.now(), "")
            if isinstance(error, RefusedRunError) or (error is not None and one.tries >= TRIES):
                self._fail(one.content.id, one.said)
        self.ledger.add(*(self._entry(one.content, "taken", one.sending) for one in sent if one.taken_at))

    def _sent(self, content: RunContent, first_row: int) -> Exception | None:
        try:
            self.streaming.send(self._named(content), self.destination, first_row)
        except (RefusedRunError, DoubtfulError) as error:
            return error
        return None

    # Waiting for it.

    def _look(self, left: dict[str, RunContent]) -> None:
        """Ask once what W&B lists of the runs that are underway, and send what has not arrived of them."""
        left = {id_: content for id_, content in left.items() if id_ in self.underway}
        if not left:
            return
        held = self._held(left.values())
        self._take_stock(left, held)
        ready: dict[str, int] = {}
        doubtful: dict[str, RunContent] = {}
        for id_, content in left.items():
            one, there = self.underway[id_], held.get(id_)
            if one.said and not one.taken_at:  # nobody knows whether the last sending arrived
                doubtful[id_] = content
            elif there is not None and there.sending == one.sending:
                one.shown_at = self.clock.now() if one.shown_at is None else one.shown_at
                if not one.taken_at and not self._may_be_counted_later(one):
                    ready[id_] = there.rows
        if doubtful:
            for id_ in doubtful:
                self.underway[id_].said = ""
            self._open(doubtful, held)
        self._send(ready)

    def _may_be_counted_later(self, one: Underway) -> bool:
        """Whether rows that W&B does not count yet may be there: it took them, a short while ago."""
        noted = self.ledger.underway(one.content.id)
        return noted is not None and noted.state == "taken" and self.ledger.age_seconds(noted) < RECOUNT_SECONDS

    def _resolve(self) -> None:
        """Give up the runs that W&B has had its time for."""
        now = self.clock.now()
        for id_, one in list(self.underway.items()):
            expected_at = one.expected_at()
            if (
                expected_at is not None and now > expected_at + answer_seconds()
            ) or now - one.since > self.patience_seconds:
                self.problems[id_] = self.not_whole(one.since, one.shown_at)
                del self.underway[id_]


def too_many(there: int, sent: int) -> str:
    """What to say of a run of which W&B has rows that nobody has sent."""
    return f"W&B has {there} rows of it, and {sent} were sent: delete it there, and the same command sends it again"


def _is(words: str, statuses: Iterable[int]) -> bool:
    """Whether an answer had one of some HTTP statuses."""
    return words.startswith(tuple(f"HTTP {status}" for status in statuses))


def _in_batches(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[first : first + BATCH] for first in range(0, len(ids), BATCH)]


def _at_once(ask: Callable[..., Answer], what: Iterable[object]) -> list[Answer]:
    """Ask several things at a time; the answers in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(ask, what))
