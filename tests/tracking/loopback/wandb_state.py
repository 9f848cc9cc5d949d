"""What a W&B server keeps, and how it is told to fail."""

from __future__ import annotations

import json
import threading
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
    """

    where: str
    what: int | str
    times: float = float("inf")
    seconds: float = 1.0


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

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The history; NaN and infinity are Python's."""
        return [json.loads(line) for line in self.history]


class Kept:
    """Runs, views, reports, charts and artifacts, and the faults that strike next."""

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

    def struck(self, where: str) -> Fault | None:
        """The fault that strikes a request, if any does."""
        self.requests.append(where)
        for fault in self.faults:
            if fault.where in (where, "any") and fault.times > 0:
                fault.times -= 1
                return fault
        return None

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
        del self.runs[place]
        self.deleted.add(place)

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
            run.history[offset : offset + len(rows)] = rows
        if "wandb-summary.json" in files and not lost:
            run.summary = json.loads(files["wandb-summary.json"]["content"][-1])
            check_metrics(run.summary)
        if content.get("complete"):
            run.state = "finished" if not content.get("exitcode") else "failed"
