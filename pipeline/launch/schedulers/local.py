"""Local schedulers: jobs are processes of this machine, or run in this very process."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.launch.commands import answer
from pipeline.launch.schedulers.scheduler import MOST_REQUEUES, JobRequest, Scheduler, SchedulerTask


class LocalScheduler(Scheduler):
    """Processes started by submitit's local executor; an array task is a job of its own there."""

    def executor(self, folder: Path, request: JobRequest) -> Any:
        from submitit import LocalExecutor

        executor = LocalExecutor(folder, max_num_timeout=MOST_REQUEUES, python=_python(request))
        executor.update_parameters(
            timeout_min=request.minutes,
            tasks_per_node=request.workers,
            gpus_per_node=request.gpus,
            signal_delay_s=request.signal_seconds,
        )
        return executor

    def script(self, folder: Path, request: JobRequest, num_tasks: int) -> str:
        return f"# on this machine\n{_python(request)} -u -m submitit.core._submit {shlex.quote(str(folder))}\n"

    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[SchedulerTask]:
        wanted, called = {(job, folder.name) for job, folder in jobs.items()}, set(names)  # numbers are used again
        return [task for task in _processes() if (task.id, task.name) in wanted or task.name in called]

    def cancel(self, folder: Path, tasks: Sequence[str]) -> None:
        alive = {task.id for task in _processes() if task.name == folder.name}
        for task in alive & set(tasks):
            os.kill(int(task), signal.SIGTERM)


def _python(request: JobRequest) -> str:
    """Python after the lines of setup, in one command: submitit's own way depends on which shell there is."""
    lines = "\n".join((*request.setup, f'exec {request.python} "$@"'))
    return f"sh -c {shlex.quote(lines)} sh"


class DebugScheduler(LocalScheduler):
    """This process itself, one task after the other, so that a debugger can look inside."""

    def executor(self, folder: Path, request: JobRequest) -> Any:
        from submitit import DebugExecutor

        return DebugExecutor(folder)

    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[SchedulerTask]:
        return []


def _processes() -> list[SchedulerTask]:
    """The controllers that submitit has started, each named after the folder that it was given."""
    listed = answer(["ps", "-A", "-ww", "-o", "pid=,args="], "local")
    found = re.findall(r"^\s*(\d+) .*-m submitit\.local\._local (.+)$", listed, re.MULTILINE)
    return [SchedulerTask(pid, Path(folder.strip()).name, "running") for pid, folder in found]
