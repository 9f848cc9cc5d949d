"""Exit reasons: why a worker was killed, from what the scheduler left in its log.

The log is asked first, because it is there when accounting is off and history is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.launch.notes.attempts import HEADING

TAIL_BYTES = 8192
"""How much of the end of a log is looked at."""

OUT_OF_MEMORY = "out of memory"
NODE_FAILURE = "node failure"
TIME_LIMIT = "time limit"
CANCELLED = "cancelled"
KILLED = "killed"

EXIT_REASON_PATTERNS = (
    (
        OUT_OF_MEMORY,
        r"oom[-_ ]kill|out of memory|exceeded (job )?memory limit|mem(ory|sw)? (.* exceeded limit|limit exceeded)",
    ),
    (NODE_FAILURE, r"DUE TO NODE FAILURE|Node failure|node .* (went )?down|job killed: node \d+ "),
    (TIME_LIMIT, r"DUE TO TIME LIMIT|(walltime|cput) .* exceeded limit"),
    ("preempted", r"DUE TO PREEMPTION"),
    ("requeued", r"DUE TO JOB REQUEUE"),
    (CANCELLED, r"CANCELLED AT|job cancelled|=>> PBS: job killed: (deleted|qdel)"),
)
"""Exit reasons, and how SLURM and PBS word them."""
LARGEST_LOG = 2**24
"""How much of the end of a log is searched for where an attempt begins."""
UNINFORMATIVE = re.compile(
    r"=== attempt |submitit (INFO|WARNING)|^(Terminated|Killed|logout)$|line \d+: +\d+ (Killed|Terminated|Aborted)\b"
    r"|^srun: (error: .*: tasks? [\d,-]+: |Terminating StepId|Job step aborted|Force Terminated)"
    r"|\*\*\* (STEP|JOB) .* \*\*\*"
    r"|^(stty|mesg|tput|tset): |TERM environment variable not set|no job control in this shell|terminal process group"
)
"""Lines that say that a job has ended and not why, and what a login shell without a terminal complains of."""
INFORMATIVE = re.compile(
    r"error|no such|not found|denied|cannot|can't|unable|fail|fatal|invalid|illegal", re.IGNORECASE
)


def exit_reason(logs: Sequence[Path], attempt: int | None = None) -> str:
    """Find the exit reason that the last lines of some logs name.

    Args:
        logs: Files.
        attempt: The attempt that is asked for, where several have appended to them.

    Returns:
        One of the reasons above; ``killed`` if they name none.
    """
    return exit_reason_in("\n".join(tail(log) if attempt is None else part_of(log, attempt) for log in logs))


def exit_reason_in(text: str) -> str:
    """Find the exit reason that a text names; ``killed`` if it names none."""
    return next((named for named, sign in EXIT_REASON_PATTERNS if re.search(sign, text, re.IGNORECASE)), KILLED)


def most_informative_line(texts: Iterable[str]) -> str:
    """Choose the line of some texts that helps most with a job that never began.

    The last one that names an error. What tells only that there was one comes before or after it, as the version of
    SLURM has it: ``execve(): /nonexistent/python: No such file or directory`` beside ``Exited with exit code 2``.

    Args:
        texts: Ends of logs, the most telling last.

    Returns:
        The line; empty if they have none.
    """
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    full = [line for line in lines if not UNINFORMATIVE.search(line)]
    return next(iter([line for line in full if INFORMATIVE.search(line)][-1:] or full[-1:] or lines[-1:]), "")


def part_of(log: Path, attempt: int) -> str:
    """Read the end of what one attempt of a worker has left in a log.

    Args:
        log: The file, to which all attempts of the worker append.
        attempt: Its number.

    Returns:
        At most the last 8 KiB; of all attempts if they do not begin in it.
    """
    text = tail(log, LARGEST_LOG)
    begins = [(int(begun[1]), begun.start()) for begun in HEADING.finditer(text)]
    before = [start for number, start in begins if number <= attempt] if attempt > 1 else []
    after = [start for number, start in begins if number > attempt]
    return text[max(before, default=0) : min(after, default=len(text))][-TAIL_BYTES:]


def tail(log: Path, num_bytes: int = TAIL_BYTES) -> str:
    """Read the end of a file.

    Args:
        log: The file.
        num_bytes: How much of it.

    Returns:
        The text; empty if the file is not there.
    """
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - num_bytes))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
