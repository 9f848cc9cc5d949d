"""Array tasks by what a person calls them: names of submissions, and ids as squeue, sacct and qstat print them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.launch.notes.submission import Submission, folder_of

SLURM = r"(?P<job>\d+)(_(?P<index>\d+|\[[\d,:%-]+\]))?(\.(?P<step>batch|extern|interactive|\d+))?"
"""Such as ``4711``, ``4711_3``, ``4711_[3-5,7%2]`` of tasks that wait, and ``4711.batch`` of a step."""
PBS = r"(?P<job>\d+)(\[(?P<index>[\d,:-]*)\])?(\.(?P<server>[A-Za-z][\w.-]*))?"
"""Such as ``19.pbs01``, ``19[].pbs01`` of a whole array, ``19[3]`` and, of qdel, ``19[3-5]``."""


def array_task_indices(run: Path, submission: Submission, what: str) -> list[int]:
    """Find the array tasks of a submission that have a name.

    Args:
        run: Folder of the run.
        submission: What may have the name.
        what: Name of the submission, or the id of its job or of some of its tasks.

    Returns:
        Their indices in order; none if the name is that of another submission.
    """
    every = range(len(submission.tasks))
    if submission.job is None:
        return []
    if what == submission.name:
        return list(every)
    called = re.fullmatch(SLURM, what) or (re.fullmatch(PBS, what) if submission.scheduler == "pbs" else None)
    if called is None or called["job"] != submission.job or not _same_server(run, submission, called):
        return []
    index = (called["index"] or "").strip("[]")
    if not index:
        return list(every)
    single = len(submission.tasks) == 1  # a job, and no array, has no tasks
    return [] if single else sorted(set(_numbers(index, len(every))))


def _same_server(run: Path, submission: Submission, called: re.Match[str]) -> bool:
    """Whether an id of PBS names the server that has taken the job, in full or cut, or none."""
    server = called.groupdict().get("server")
    note = folder_of(run, submission.name) / f"{submission.job}_full_id"
    if not server or not note.exists():
        return True
    _, _, known = note.read_text().strip().partition(".")
    one, other = sorted((server, known), key=len)
    return not one or one == other or other.startswith(f"{one}.")


def _numbers(ranges: str, most: int) -> Iterator[int]:
    """The numbers below ``most`` in ``3-5,9`` or ``1-9:2``; a ``%2`` at the end says how many run at a time."""
    for part in ranges.partition("%")[0].split(","):
        span = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?(?::(\d{1,9}))?", part)
        if span is not None:
            first, last, step = span.groups()
            yield from range(int(first), min(most, 1 + int(last or first)), int(step or 1) or 1)
