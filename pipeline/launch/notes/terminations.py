"""Terminations: which jobs were cancelled, and why PBS killed one, for when the server has forgotten.

They lie in the folder of the submission, as the server's own words do.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pipeline.launch.notes.exit_reasons import tail
from pipeline.records.atomic_writes import replacing

CANCELLED_FILE = "cancelled"
KILLED_SUFFIX = "_killed"
KILLED_BY_PBS = re.compile(r"^=>> PBS: job killed: (.+?)\s*$", re.MULTILINE)
"""What ``pbs_mom`` writes into the output of a job before it sends SIGTERM (``mom_main.c`` of OpenPBS 23.06.06)."""


def note_cancelled(folder: Path, jobs: Iterable[str]) -> None:
    """Remember that jobs of a submission are being cancelled now.

    Args:
        folder: Folder of the submission.
        jobs: Their ids, as submitit has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    noted = dict.fromkeys(jobs, time.time()) | cancelled(folder)
    with replacing(folder / CANCELLED_FILE) as part:
        part.write_text(json.dumps(noted) + "\n")


def cancelled(folder: Path) -> dict[str, float]:
    """When jobs of a submission were first cancelled, in seconds since 1970, by id."""
    try:
        return dict(json.loads((folder / CANCELLED_FILE).read_bytes()))
    except FileNotFoundError:
        return {}


def note_killed(folder: Path, job: str, cause: str) -> None:
    """Remember why a server says that it killed a job; a run that may not be written to is left as it is.

    Args:
        folder: Folder of the submission.
        job: Id of the job, as submitit has it.
        cause: The exit reason.
    """
    path = folder / f"{job}{KILLED_SUFFIX}"
    if not path.exists():
        with suppress(OSError), replacing(path) as part:
            part.write_text(f"{cause}\n")


def killed(folder: Path, job: str) -> str:
    """The exit reason of a job that a server killed, as it was remembered.

    Args:
        folder: Folder of the submission.
        job: Id of the job, as submitit has it.

    Returns:
        The exit reason; empty if none was remembered.
    """
    try:
        return (folder / f"{job}{KILLED_SUFFIX}").read_text().strip()
    except OSError:
        return ""


def words_of_pbs(spool: Iterable[Path]) -> str:
    """The last message of PBS about why it killed a job, such as ``mem 577916kb exceeded limit 460800kb``."""
    found = [words for file in spool for words in KILLED_BY_PBS.findall(tail(file))]
    return found[-1] if found else ""
