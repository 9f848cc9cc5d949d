"""The content of a run on W&B: names, configuration, history, summary; and the digest by which it is known."""

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
"""The horizontal axis of all charts: number of updates done."""

DIGEST = "content_digest"
"""Where the hash of a run's records is in its configuration."""
OLD_DIGEST = re.compile(r"[0-9a-f]{16}")
"""Digests of versions before, which covered what is calculated too, and so differed by the number of threads."""


@dataclass(frozen=True)
class Destination:
    """Entity and project on W&B; an empty entity is the default one of the key."""

    entity: str
    project: str

    def label(self) -> str:
        return f"{self.entity}/{self.project}" if self.entity else self.project


@dataclass(frozen=True)
class RunContent:
    """One run, whole.

    Args:
        id: The same whenever the run is exported.
        name: Display name; like the next three of any length, and truncated where W&B gets it.
        group: The sweep.
        job_type: The model.
        tags: Problem, status and verdict.
        config: The configuration of the trial.
        rows: The history: one mapping for each recorded step, with ``step`` in it.
        summary: Final values; of a metric in ``smallest`` the last and the least.
        smallest: Metrics of which the least value matters.
        calculated: Metrics that are calculated for the export; they differ in the last digits by the number of
            threads, and are no part of the digest.
        exit_code: 0, or 1 for a run that failed.
        began_at: In seconds since 1970.
        seconds: Duration.
        steps: Number of updates in that time.
        commit: Of the code that trained it; empty where that is not known.
        notes: Markdown that W&B shows above the charts.
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
        """SHA-256 of the recorded rows, 16 digits: two runs of one id and two digests are not the same run."""
        recorded = [{name: row[name] for name in row.keys() - self.calculated} for row in self.rows]
        return f"records-{hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()[:16]}"

    @property
    def recorded_summary(self) -> dict[str, Any]:
        """The summary of what was recorded, without what is calculated or concluded from it."""
        recorded = {name for row in self.rows for name in row} - self.calculated
        return {name: value for name, value in self.summary.items() if name in recorded}

    def seconds_at(self, step: int) -> float:
        """Seconds from the begin to a step: not recorded, so updates are taken to be equally long."""
        return self.seconds * min(1.0, step / self.steps) if self.steps else self.seconds

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics in the history, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in row if name != STEP))


def with_extremes(rows: Sequence[Mapping[str, float]], smallest: frozenset[str]) -> dict[str, Any]:
    """The summary that W&B makes of a history: the last value of each metric.

    Args:
        rows: The history.
        smallest: Metrics that get their least value too, of those that are not NaN.

    Returns:
        A value for each metric; of those in ``smallest`` a mapping with ``last`` and ``min``.
    """
    last = {name: value for row in rows for name, value in row.items()}
    summary: dict[str, Any] = dict(last)
    for name in smallest & last.keys():
        values = [row[name] for row in rows if name in row]
        known = [value for value in values if not math.isnan(value)]
        summary[name] = {"last": last[name], "min": min(known, default=math.nan)}
    return summary
