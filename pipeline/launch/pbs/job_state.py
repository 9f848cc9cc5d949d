"""Job states of PBS, from the attributes that ``qstat -f`` prints in JSON or in text."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Attributes = Mapping[str, Any]
"""A job as ``qstat -f`` shows it: ``job_state``, ``Exit_status``, ``comment`` and many more."""
SETTLING_SECONDS = 120.0
"""How long a job that has ended may be without an exit status before nobody expects one."""
FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "GONE"})
"""States that a job never leaves."""
ALIVE = {
    **dict.fromkeys("QHWTM", "PENDING"),
    **dict.fromkeys("RB", "RUNNING"),
    "E": "COMPLETING",
    **dict.fromkeys("SU", "PREEMPTED"),
}
FROM_PBS = {
    -29: "TIMEOUT",  # walltime
    -28: "TIMEOUT",  # processor time
    -27: "OUT_OF_MEMORY",
    -26: "OUT_OF_MEMORY",  # virtual memory
    **dict.fromkeys((-3, -4, -5, -6, -8, -11, -14, -16, -18, -20, -30), "NODE_FAIL"),  # to be run again, or lost
}
"""Exit codes below 0 are the server's own (``job.h`` of OpenPBS); all others are failures."""
TERMINATED = 91
"""The substate of a job that somebody has deleted."""
TERMINATED_BY_TERM = 256 + 15
"""The exit status of a job whose shell died of SIGTERM from outside."""


@dataclass(frozen=True)
class JobInfo:
    """The state of one job, one subjob of an array, or one array, as the server gives it.

    Args:
        id: Full id, with the server's name.
        state: PENDING, RUNNING, COMPLETING, PREEMPTED, one of ``FINAL``, or UNKNOWN where there was no answer. GONE:
            the server does not know the job, or no longer how it ended.
        exit_status: As PBS has it: below 0 its own codes, from 256 a signal from outside.
        comment: What the scheduler remarks, such as why a job never starts.
        node: First host that the job runs or ran on.
    """

    id: str
    state: str
    exit_status: int | None = None
    comment: str = ""
    node: str = ""


def read_json(text: str) -> dict[str, Attributes]:
    """Parse what ``qstat -f -F json`` printed.

    Args:
        text: What it printed.

    Returns:
        The attributes of each job by full id; without a key ``Jobs`` there are none.

    Raises:
        ValueError: If it is no JSON, which versions with unescaped quotes or bare ``005`` print.
    """
    answer = json.loads(text, strict=False, object_pairs_hook=_merged)
    if not isinstance(answer, dict):
        raise ValueError(f"no object but {text[:40]!r}")
    jobs = answer.get("Jobs", {})
    return {str(id_): job for id_, job in jobs.items() if isinstance(job, dict)} if isinstance(jobs, dict) else {}


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which a key may come twice: some versions print ``Jobs`` once for each id."""
    merged: dict[str, Any] = {}
    for key, value in pairs:
        before = merged.get(key)
        merged[key] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def read_text(text: str) -> dict[str, Attributes]:
    """The jobs in what ``qstat -f`` printed, by full id; long lines are folded with a newline and a tab."""
    jobs: dict[str, Attributes] = {}
    job: dict[str, str] = {}
    for line in text.replace("\n\t", "").split("\n"):
        if head := re.match(r"Job Id: (\S+)", line):
            jobs[head[1]] = job = {}
        elif attribute := re.match(r" {4}([\w.]+) = (.*)", line):
            job.setdefault(attribute[1], attribute[2])  # a later one is inside the value of a variable
    return jobs


def state_of(job: Attributes, now: float | None = None) -> tuple[str, int | None, str]:
    """Read state, exit status and comment of a job from its attributes.

    Args:
        job: As ``read_json`` or ``read_text`` gives it.
        now: Seconds since the epoch; a job that has ended a moment ago may get its exit status later.

    Returns:
        The three; see ``JobInfo``.
    """
    letter, comment = str(job.get("job_state", "")), str(job.get("comment", ""))
    if letter not in ("F", "X"):
        return ALIVE.get(letter, "UNKNOWN"), None, comment
    status = _number(job.get("Exit_status"))
    return _final(job, status, time.time() if now is None else now), status, comment


def _final(job: Attributes, status: int | None, now: float) -> str:
    if _number(job.get("substate")) == TERMINATED:
        return "CANCELLED"
    ran = any(job.get(key) not in (None, "") for key in ("run_count", "exec_host", "session_id"))
    if status is None:
        if not ran and job.get("job_state") == "F":
            return "CANCELLED"  # deleted while it was queued
        if not ran and job.get("comment") == "Subjob finished":
            return "GONE"  # a subjob of which nothing is kept while its array goes on; what is said is the array's
        return "COMPLETING" if now - _ended(job) < SETTLING_SECONDS else "GONE"
    if not ran and job.get("comment") == "Subjob finished":
        return "CANCELLED"  # a subjob that was deleted before it started: the status that it shows is its array's
    if status == TERMINATED_BY_TERM:
        return "TIMEOUT" if _used_up(job) else "CANCELLED"  # versions without -29 end a job at its walltime like this
    if status <= 0:
        return "COMPLETED" if status == 0 else FROM_PBS.get(status, "FAILED")
    return "FAILED"


def _ended(job: Attributes) -> float:
    """The time at which a job ended, in seconds since the epoch, as far as it is given."""
    if (stamp := _number(job.get("history_timestamp"))) is not None:
        return stamp
    for key in ("obittime", "mtime"):
        try:
            return time.mktime(time.strptime(str(job.get(key)), "%a %b %d %H:%M:%S %Y"))
        except ValueError:
            continue
    return 0.0


def _used_up(job: Attributes) -> bool:
    """Whether a job has run for its whole walltime."""
    used, granted = (_seconds(_resource(job, name)) for name in ("resources_used", "Resource_List"))
    return "walltime" in str(job.get("comment", "")) or (granted is not None and used is not None and used >= granted)


def _resource(job: Attributes, name: str) -> str:
    nested = job.get(name)
    return str(nested.get("walltime", "")) if isinstance(nested, dict) else str(job.get(f"{name}.walltime", ""))


def _seconds(text: str) -> int | None:
    if not re.fullmatch(r"\d+(:\d+){0,2}", text):
        return None
    seconds = 0
    for part in text.split(":"):
        seconds = 60 * seconds + int(part)
    return seconds


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
