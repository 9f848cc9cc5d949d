"""What a run on W&B consists of, before it is written for W&B's client."""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

STEP = "step"
"""The metric that charts have on their horizontal axis: number of updates done."""

DIGEST = "content_digest"
"""Where the hash of a run's records is in its configuration."""
OLD_DIGEST = re.compile(r"[0-9a-f]{16}")
"""How digests looked while they were of what was calculated too: in another process, with other threads, another."""


@dataclass(frozen=True)
class Destination:
    """Where on W&B runs go; no entity is that of the key."""

    entity: str
    project: str

    def label(self) -> str:
        return f"{self.entity}/{self.project}" if self.entity else self.project


@dataclass(frozen=True)
class RunContent:
    """One run, whole.

    Args:
        id: The same whenever the run is exported.
        name: What people see; like the next three whole here, however long, and cut where W&B gets it.
        group: The sweep.
        job_type: The model.
        tags: Words to find it by.
        config: What was asked.
        rows: The history: one mapping for each recorded step, with ``step`` in it.
        summary: The run in a few numbers; of a metric in ``smallest`` the last and the least value.
        smallest: Metrics of which the least value matters.
        calculated: Metrics that are not recorded but calculated for the export, to the last digits differently by
            the number of threads: no part of what makes two runs the same.
        exit_code: 0, or 1 for a run that failed.
        began_at: In seconds since 1970.
        seconds: How long it took, from there to its end.
        steps: Number of updates in that time.
        commit: Of the code that trained it; empty where that is not known.
        notes: What people read first.
    """

    id: str
    name: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    config: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    summary: Mapping[str, Any]
    smallest: frozenset[str] = field(default_factory=frozenset)
    calculated: frozenset[str] = field(default_factory=frozenset)
    exit_code: int = 0
    began_at: float = 0.0
    seconds: float = 0.0
    steps: int = 0
    commit: str = ""
    notes: str = ""

    @functools.cached_property
    def digest(self) -> str:
        """Hash of its records alone: two runs of one id with other records are not the same run."""
        recorded = [{name: row[name] for name in row.keys() - self.calculated} for row in self.rows]
        return f"records-{hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()[:16]}"

    @property
    def recorded_summary(self) -> dict[str, Any]:
        """The summary of what was recorded, without what is calculated or concluded from it."""
        recorded = {name for row in self.rows for name in row} - self.calculated
        return {name: value for name, value in self.summary.items() if name in recorded}

    def seconds_at(self, step: int) -> float:
        """When a step was reached, in seconds since the begin: nobody notes it, and updates are taken to be alike."""
        return self.seconds * min(1.0, step / self.steps) if self.steps else self.seconds

    @property
    def metrics(self) -> list[str]:
        """Names of what is recorded, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row if name != STEP))


def with_extremes(rows: Sequence[Mapping[str, float]], smallest: frozenset[str]) -> dict[str, Any]:
    """The summary that W&B makes of a history: the last value of each metric, with the least where that matters."""
    last = {name: value for row in rows for name, value in row.items()}
    summary: dict[str, Any] = dict(last)
    for name in smallest & last.keys():
        values = [row[name] for row in rows if name in row]
        known = [value for value in values if not math.isnan(value)]
        summary[name] = {"last": last[name], "min": min(known, default=math.nan)}
    return summary
