"""A job of PBS for submitit: its ids, its state, and its end."""

from __future__ import annotations

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from submitit.core import core, logger

from pipeline.errors import PipelineError, enumerated
from pipeline.launch.commands import run
from pipeline.launch.pbs.environment import PbsJobEnvironment
from pipeline.launch.pbs.job_id import parse_id
from pipeline.launch.pbs.job_state import FINAL, JobInfo
from pipeline.launch.pbs.qstat import ask

R = TypeVar("R", covariant=True)
MISSES = 3
"""How often in a row a server says that it does not know a job before that is believed."""


def job_number(full_id: str) -> str:
    """The id that submitit has for a job or for a subjob of an array: ``1234`` or ``1234_7``."""
    id_ = parse_id(full_id)
    return f"{id_.number}_{id_.index}" if id_.index else id_.number


def full_id(folder: Path | str, job_id: str) -> str:
    """The id that PBS has for a job of submitit: ``1234[7].server`` for ``1234_7``.

    Args:
        folder: The folder of the submission.
        job_id: submitit's id; of an array the number alone, which gives ``1234[].server``.

    Returns:
        The id with the server's name, as far as it is known.
    """
    number, _, index = job_id.partition("_")
    note = Path(folder) / f"{number}_full_id"
    id_ = parse_id(note.read_text() if note.exists() else f"{number}[]" if index else number)
    return str(dataclasses.replace(id_, index=index) if index else id_)


def exit_code(folder: Path | str, job_id: str) -> int | None:
    """The exit code that a job has left in the folder of its submission; none where it has not come to its end.

    Args:
        folder: The folder of the submission.
        job_id: submitit's id.

    Returns:
        The code; none where the job has not come to its end.
    """
    try:
        return int((Path(folder) / f"{job_id}_exit_code").read_text())
    except (OSError, ValueError):
        return None


def with_own_word(folder: Path | str, job_id: str, info: JobInfo) -> JobInfo:
    """Complete what PBS says of a job by the exit code that the job has left, where PBS does not know.

    Args:
        folder: The folder of the submission.
        job_id: submitit's id.
        info: What PBS says.

    Returns:
        The state and the exit status to believe.
    """
    unsure = info.state in ("GONE", "UNKNOWN") or (info.state, info.comment) == ("CANCELLED", "Subjob finished")
    code = exit_code(folder, job_id) if unsure else None
    if code is None:
        return info
    return dataclasses.replace(info, state="FAILED" if code else "COMPLETED", exit_status=code)


def delete(full_ids: Sequence[str]) -> None:
    """Delete jobs, subjobs (``1234[7].server``) or whole arrays (``1234[].server``); ended ones are left alone.

    Raises:
        PipelineError: If PBS refuses, with its own words.
    """
    if not full_ids:
        return
    done = run(["qdel", *full_ids])
    harmless = (
        r"Unknown Job Id|Job has finished|invalid state for job|Request invalid for (state of job|finished array)"
    )
    words = [line for line in done.stderr.splitlines() if line.strip() and not re.search(harmless, line)]
    if done.returncode and (words or not done.stderr.strip()):
        what = "\n".join(words) or f"qdel ended with status {done.returncode}"
        raise PipelineError(f"PBS did not delete {enumerated(full_ids)}: {what}", hint="try again, or ask the site")


class PbsInfoWatcher(core.InfoWatcher):
    """One question for all jobs of this process."""

    def __init__(self, delay_s: int = 60) -> None:
        super().__init__(delay_s)
        self._folders: dict[str, Path] = {}
        self._misses: Counter[str] = Counter()

    def register(self, job_id: str, folder: Path) -> None:
        """Take a job into the question; its folder has the note of its full id.

        Args:
            job_id: submitit's id.
            folder: The folder of the submission.
        """
        if self._folders.get(job_id) != folder:  # another server has given the same number
            self._finished.discard(job_id)
            self._info_dict.pop(job_id, None)
            del self._misses[job_id]
        self._folders[job_id] = folder
        self.register_job(job_id)

    def update(self) -> None:
        """Ask for all jobs that are not known to have ended; without an answer nothing changes."""
        waiting = sorted(self._registered - self._finished)
        ids = {job_id: full_id(self._folders.get(job_id, Path()), job_id) for job_id in waiting}
        if not ids:
            return
        self._num_calls += 1
        try:
            infos = ask(ids.values())
        except PipelineError as error:
            logger.get_logger().warning(f"Call #{self.num_calls} - {error}; states are as they were.")
        else:
            for job_id, id_ in ids.items():
                self._note(job_id, infos[id_])
        self._last_status_check = time.time()

    def _note(self, job_id: str, info: JobInfo) -> None:
        info = with_own_word(self._folders.get(job_id, Path()), job_id, info)
        self._misses[job_id] = self._misses[job_id] + 1 if info.state == "GONE" else 0
        if info.state == "UNKNOWN" or 0 < self._misses[job_id] < MISSES:
            return
        self._info_dict[job_id] = {
            "JobId": info.id,
            "State": info.state,
            "ExitStatus": "" if info.exit_status is None else str(info.exit_status),
            "Comment": info.comment,
            "Node": info.node,
        }
        if info.state in FINAL:
            self._finished.add(job_id)

    def get_state(self, job_id: str, mode: str = "standard") -> str:
        """The state of a job; see ``JobInfo``."""
        return self.get_info(job_id, mode=mode).get("State", "UNKNOWN")


class PbsJob(core.Job[R]):
    """A job, or a subjob of an array."""

    _cancel_command = "qdel"
    watcher = PbsInfoWatcher()

    def _register_in_watcher(self) -> None:
        if not self._tasks[0]:
            self.watcher.register(self.job_id, self.paths.folder)

    @property
    def full_id(self) -> str:
        """The id that PBS has for it."""
        return full_id(self.paths.folder, self.job_id)

    def cancel(self, check: bool = True) -> None:
        """Delete this job, of an array this subjob alone.

        Args:
            check: Whether a refusal is raised.

        Raises:
            PipelineError: If PBS refuses and ``check`` is true.
        """
        try:
            delete([self.full_id])
        except PipelineError:
            if check:
                raise

    def _interrupt(self, timeout: bool = False) -> None:
        """Send the signals of a preemption, or the one of a time-out; every process of the job gets them."""
        for name in (() if timeout else ("SIGTERM",)) + (f"SIG{PbsJobEnvironment.USR_SIG}",):
            done = run(["qsig", "-s", name, self.full_id])
            if done.returncode:
                raise PipelineError(f"PBS did not signal {self.full_id}: {done.stderr.strip()}", hint="is it running?")
