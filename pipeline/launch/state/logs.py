"""Logs: incidents grouped by error, and the log files of one trial or job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from pipeline.errors import PipelineError, nearest
from pipeline.launch.notes.array_tasks import array_task_indices
from pipeline.launch.notes.submission import Submission
from pipeline.launch.state.history import Incident, log_of, spooled
from pipeline.records.packs import read_packs

LEAST_DIGITS = 4
"""Digits of a trial's id that may stand for it."""


@dataclass(frozen=True)
class Group:
    """Incidents that say the same.

    Args:
        what: What they say, without the numbers that differ.
        kind: What they are.
        incidents: The latest first.
    """

    what: str
    kind: str
    incidents: tuple[Incident, ...]


def groups(incidents: Sequence[Incident]) -> list[Group]:
    """Incidents by distinct error, the newest group first."""
    same: dict[tuple[str, str], list[Incident]] = {}
    for one in sorted(incidents, key=lambda incident: -incident.at):
        same.setdefault((one.kind, distinct(one.what)), []).append(one)
    return [Group(members[0].what, kind, tuple(members)) for (kind, _), members in same.items()]


def distinct(what: str) -> str:
    """An error without what differs from one to the next: numbers, sizes, addresses, hosts, paths."""
    return re.sub(r"\b\d+[kmgtp]?[bw]\b|\b(0x)?[0-9a-f]*\d[0-9a-f]*\b|(?<= on )\S+|/\S+", "#", what)


def groups_table(found: Sequence[Group]) -> pl.DataFrame:
    """One row per distinct error."""
    schema = {"times": pl.Int64, "latest": pl.String, "kind": pl.String, "error": pl.String}
    schema |= {"jobs": pl.String, "packs": pl.Int64, "log": pl.String}
    rows = [
        {
            "times": len(group.incidents),
            "latest": datetime.fromtimestamp(group.incidents[0].at).isoformat(" ", "seconds"),
            "kind": group.kind,
            "error": group.what,
            "jobs": _some(dict.fromkeys(one.job for one in group.incidents)),
            "packs": len({one.pack for one in group.incidents if one.pack}),
            "log": str(group.incidents[0].log),
        }
        for group in found
    ]
    return pl.DataFrame(rows, schema=schema)


def _some(names: dict[str, None]) -> str:
    first = list(names)[:3]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")


def logs_of(run: Path, submissions: Sequence[Submission], what: str) -> list[Path]:
    """Find the log files of a trial, by the beginning of its id, or of a job, by its id or the name of its array.

    None where it has written nothing yet.

    Args:
        run: Folder of the run.
        submissions: Its submissions.
        what: The name.

    Returns:
        The files; none where nothing was written yet.

    Raises:
        PipelineError: If there is no such trial or job.
    """
    array_tasks = [(one, index) for one in submissions for index in array_task_indices(run, one, what)]
    if array_tasks:
        return [path for one, index in array_tasks for path in _streams(run, one, index)]
    pack = _pack_of(run, what)
    if pack is None:
        known = [str(one.job) for one in submissions if one.job] + [one.name for one in submissions]
        hint = nearest(what, known) if known else "nothing was sent of this run yet"
        raise PipelineError(f"no trial and no job of this run is called {what!r}", where=str(run), hint=hint)
    failures = run / "logs" / f"{pack}.log"
    streams = [
        path
        for one in submissions
        for index, task in enumerate(one.tasks)
        if pack in task and one.job is not None
        for path in _streams(run, one, index)
    ]
    return [path for path in (failures, *streams) if path.exists()]


def _streams(run: Path, submission: Submission, index: int) -> list[Path]:
    """Log files of the workers of one task: output, then errors, then the scheduler's own."""
    folder, job = log_of(run, submission.name, "", 0).parent, submission.task_id(index)
    written = sorted(folder.glob(f"{job}_*_log.*"), key=lambda path: (path.suffix == ".err", path))
    return written + spooled(run, submission.name).get(job, [])


def _pack_of(run: Path, trial: str) -> str | None:
    if len(trial) < LEAST_DIGITS:
        return None
    return next((pack for pack, ids in read_packs(run).items() if any(id_.startswith(trial) for id_ in ids)), None)
