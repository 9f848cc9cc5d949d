"""SLURM, through an executor of submitit and ``squeue``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.launch.commands import NO_ANSWER, SilenceError, answer
from pipeline.launch.schedulers.scheduler import JobRequest, Scheduler, SchedulerTask, State

ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"),
    "REVOKED",  # of a federation: it runs on another cluster
}
"""States in which squeue shows a job for some minutes although nothing of it will run."""
WAITING = ("CONFIGURING", "PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
STOPPED = ("SUSPENDED", "STOPPED")
"""States of a job that has begun and waits to go on, with its nodes or without."""
COLUMNS = "%i|%T|%j|%r"
"""Of squeue: id, state, name, reason."""
ROW = re.compile(r"^([^|\n]+)\|([^|\n]+)\|(.*)\|([^|\n]*)$", re.MULTILINE)
"""A line of squeue, that of its heading included: where there is none it has not answered, even if it ends with 0."""


class SlurmScheduler(Scheduler):
    """SLURM, asked by ``squeue`` alone, which works with accounting off.

    Args:
        configuration: Path of another ``slurm.conf`` than the machine's own.
        clusters: Names of other clusters than the one that ``slurm.conf`` describes, as in ``SLURM_CLUSTERS``.
    """

    def __init__(self, configuration: str | None = None, clusters: str | None = None) -> None:
        # Whatever this shell says of clusters: a job is looked for where it was sent.
        self._settings: dict[str, str | None] = {"SLURM_CLUSTERS": clusters, "SBATCH_CLUSTERS": None}
        if configuration is not None:
            self._settings["SLURM_CONF"] = configuration

    def executor(self, folder: Path, request: JobRequest) -> Any:
        from pipeline.launch.schedulers.slurm_executor import SlurmScriptExecutor

        return SlurmScriptExecutor(folder, request, self._settings, lambda name: self.find(folder, name))

    def script(self, folder: Path, request: JobRequest, num_tasks: int) -> str:
        from pipeline.launch.schedulers.slurm_script import script_text

        return script_text(request, folder, num_tasks)

    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[SchedulerTask]:
        wanted, called = set(jobs), set(names)
        return [task for task in self._all() if task.id.split("_")[0] in wanted or task.name in called]

    def cancel(self, folder: Path, tasks: Sequence[str]) -> None:
        answer(["scancel", *tasks], "SLURM", settings=self._settings)

    def load(self) -> int:
        return len(self._all())

    def _all(self) -> list[SchedulerTask]:
        """Every job of the user that is not over, an array task each, in hidden partitions too.

        The user is who this process is, as for SLURM; LOGNAME may still name another one, after ``su`` or ``sudo``.

        Returns:
            The tasks.

        Raises:
            SilenceError: If squeue was cut off while it printed.
        """
        command = ["squeue", "--all", "--array", "--user", str(os.getuid()), "--format", COLUMNS]
        listed = answer(command, "SLURM", settings=self._settings, sign=ROW.pattern)
        cut = [line for line in listed.splitlines() if "|" in line and not ROW.search(line)]
        if cut:
            raise SilenceError(f"SLURM could not be asked: squeue printed {cut[-1]!r}", hint=NO_ANSWER)
        rows = [[column.strip() for column in row.groups()] for row in ROW.finditer(listed)]
        return [
            SchedulerTask(id_, name, _state(state), _reason(state, reason), ending=state == "COMPLETING")
            for id_, state, name, reason in rows
            if id_[:1].isdigit() and state not in ENDED
        ]


def _state(state: str) -> State:
    return "pending" if state in (*WAITING, *STOPPED) else "running"


def _reason(state: str, reason: str) -> str:
    """The reason why a job waits; of one that was stopped while it ran, squeue gives none."""
    if state in STOPPED:
        return state.lower()
    return reason if state in WAITING and reason != "None" else ""
