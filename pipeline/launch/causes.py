"""Why a worker that wrote down no end was ended: from what the scheduler left in its log.

The log is asked first, because it is there when accounting is off and history is gone.
"""

from __future__ import annotations

import re
from pathlib import Path

TAIL_BYTES = 8192
"""How much of the end of a log is looked at."""

OUT_OF_MEMORY = "out of memory"
NODE_FAILURE = "node failure"
TIME_LIMIT = "time limit"
CANCELLED = "cancelled"
KILLED = "killed"

SIGNS = (
    (
        OUT_OF_MEMORY,
        r"oom[-_ ]kill|out of memory|Exceeded job memory limit|mem(ory|sw)? (.* exceeded limit|limit exceeded)",
    ),
    (NODE_FAILURE, r"DUE TO NODE FAILURE|Node failure|node .* (went )?down|job killed: node \d+ "),
    (TIME_LIMIT, r"DUE TO TIME LIMIT|(walltime|cput) .* exceeded limit"),
    ("preempted", r"DUE TO PREEMPTION"),
    (CANCELLED, r"CANCELLED AT|job cancelled|=>> PBS: job killed: (deleted|qdel)"),
)
"""Causes, and how SLURM and PBS word them."""


def cause(logs: list[Path]) -> str:
    """The cause that the last lines of some logs name; ``killed`` if they name none."""
    return cause_in("\n".join(tail(log) for log in logs))


def cause_in(text: str) -> str:
    """The cause that a text names; ``killed`` if it names none."""
    return next((named for named, sign in SIGNS if re.search(sign, text, re.IGNORECASE)), KILLED)


def tail(log: Path, num_bytes: int = TAIL_BYTES) -> str:
    """The end of a file; empty if it is not there."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - num_bytes))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
