"""What a W&B server keeps, and how it is told to fail."""

from __future__ import annotations

import copy
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from wandb_limits import RefusedError, check_metrics

KEY = "a" * 40
ENTITY = "lab"
OTHERS = "others"
"""An entity that the key may not write to."""

Place = tuple[str, str, str]
"""Entity, project and name of a run."""


@dataclass
class Fault:
    """Something that goes wrong with some requests.

    Args:
        where: Name of an operation, ``file_stream``, ``upload`` or ``page``; ``any`` for all of them.
        what: An HTTP status; ``reset``: the connection breaks; ``slow``: the answer comes after some seconds;
            ``lose``: rows are accepted and thrown away; ``cut``: kept, but the connection breaks before the answer.
        times: How many requests it strikes.
        seconds: How slow.
        retry_after: What a refusal says in the header of that name.
    """

    where: str
    what: int | str
    times: float = float("inf")
    seconds: float = 1.0
    retry_after: str = ""


@dataclass
class StoredRun:
    """A run as the server has it."""

    place: Place
    attributes: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    state: str = "running"
    journal: list[tuple[float, StoredRun]] = field(default_factory=list)
    """What it was, from when on."""
    deleted_at: float | None = None

    def as_of(self, when: float) -> StoredRun | None:
        """What it was at a time; nothing if it was not there."""
        if self.deleted_at is not None and self.deleted_at <= when:
            return None
        before = [was for since, was in self.journal if since <= when]
        return before[-1] if before else None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The history; NaN and infinity are Python's."""
        return [json.loads(line) for line in self.history]


class Kept:
    """Runs, views, reports, charts and artifacts, and the faults that strike next.

    What it shows of runs may be late: ``late_seconds`` in lists of runs, ``direct_late_seconds`` where one run is asked
    for by its id, ``count_late_seconds`` in the number of rows, wherever that is said. Its time may be made to pass.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.runs: dict[Place, StoredRun] = {}
        self.deleted: set[Place] = set()
        self.views: dict[str, dict[str, Any]] = {}
        self.reports: dict[str, dict[str, Any]] = {}
        self.reports_made = 0
        self.charts: dict[str, dict[str, Any]] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.unknown: list[str] = []
        self.keys = {KEY}
        self.refused: dict[str, tuple[int, str]] = {}
        self.gone: list[StoredRun] = []
        self.late_seconds = self.direct_late_seconds = self.count_late_seconds = 0.0
        self.appends = False
        """Whether rows are put after those that are there, whatever place they are sent with."""
        self.passed_seconds = 0.0
        self.most_a_minute = float("inf")
        """Requests that an account is allowed, files apart."""
        self.answered: list[float] = []

    # Time.

    def now(self) -> float:
        """In seconds since 1970."""
        return time.time() + self.passed_seconds

    def let_pass(self, seconds: float) -> None:
        """Have some time pass at once."""
        with self.lock:
            self.passed_seconds += seconds

    def noted(self, run: StoredRun) -> None:
        """Keep what a run is now, for answers that are late."""
        was = StoredRun(run.place, copy.deepcopy(run.attributes), copy.deepcopy(run.config), list(run.history))
        was.summary, was.state = copy.deepcopy(run.summary), run.state
        run.journal.append((self.now(), was))

    def listed(self, entity: str, project: str) -> list[StoredRun]:
        """The runs of a project as a list of runs shows them."""
        here = [run for run in [*self.runs.values(), *self.gone] if run.place[:2] == (entity, project)]
        return [was for run in here if (was := self.seen(run, self.late_seconds)) is not None]

    def seen(self, run: StoredRun, late_seconds: float) -> StoredRun | None:
        """A run as an answer that is so late shows it."""
        if not late_seconds:
            return run if run.deleted_at is None else None
        return run.as_of(self.now() - late_seconds)

    def counted(self, run: StoredRun) -> int:
        """The rows of a run, as far as they are counted."""
        if not self.count_late_seconds:
            return len(run.history)
        current = self.runs.get(run.place, run)
        was = current.as_of(self.now() - self.count_late_seconds)
        return min(len(run.history), len(was.history) if was is not None else 0)

    def struck(self, where: str) -> Fault | None:
        """The fault that strikes a request, if any does."""
        self.requests.append(where)
        if where not in ("page", "upload") and self.is_too_much():
            return Fault(where, 429)
        for fault in self.faults:
            if fault.where in (where, "any") and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def is_too_much(self) -> bool:
        """Whether the requests of the last minute are all that there may be."""
        now = self.now()
        self.answered = [at for at in self.answered if at > now - 60]
        if len(self.answered) >= self.most_a_minute:
            return True
        self.answered.append(now)
        return False

    def run_at(self, place: Place) -> StoredRun:
        """A run, which is made if there is none yet."""
        if place[0] == OTHERS:
            raise RefusedError(403, f"permission denied to {place[0]}/{place[1]}")
        if place[2] in self.refused:
            raise RefusedError(*self.refused[place[2]])
        if place in self.deleted:
            raise RefusedError(409, f"run {'/'.join(place)} was previously created and deleted; try a new run name")
        return self.runs.setdefault(place, StoredRun(place))

    def delete(self, place: Place) -> None:
        """Delete a run; its name cannot come back."""
        run = self.runs.pop(place)
        run.deleted_at = self.now()
        self.gone.append(run)
        self.deleted.add(place)

    def delete_project(self, entity: str, project: str) -> None:
        """Delete a project with all its runs; a new one may have its name, and its runs those of the old ones."""
        for place in [place for place in self.runs if place[:2] == (entity, project)]:
            self.delete(place)
            self.deleted.discard(place)

    def stream(self, place: Place, content: dict[str, Any], *, lost: bool) -> None:
        """Take what a client streams: rows at their offset, the summary, the end."""
        run = self.runs[place]
        files = content.get("files", {})
        history = files.get("wandb-history.jsonl")
        if history and not lost:
            rows, offset = history["content"], history["offset"]
            for row in rows:
                check_metrics(json.loads(row))
            if offset > len(run.history):
                raise RefusedError(400, f"offset {offset} is after the {len(run.history)} rows there are")
            if self.appends:
                offset = len(run.history)
            run.history[offset : offset + len(rows)] = rows
        if "wandb-summary.json" in files and not lost:
            run.summary = json.loads(files["wandb-summary.json"]["content"][-1])
            check_metrics(run.summary)
        if content.get("complete"):
            run.state = "finished" if not content.get("exitcode") else "failed"
        self.noted(run)
