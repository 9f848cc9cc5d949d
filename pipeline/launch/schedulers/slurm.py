"""SLURM, through submitit's own executor."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.launch.commands import answer
from pipeline.launch.schedulers.scheduler import MOST_REQUEUES, Request, Scheduler, State, Task

ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")
"""States in which squeue shows a job for some minutes although nothing of it will run."""
WAITING = ("CONFIGURING", "PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
STOPPED = ("SUSPENDED", "STOPPED")
"""States of a job that has begun and waits to go on, with its nodes or without."""
COLUMNS = "%i|%T|%j|%r"
"""Of squeue: id, state, name, reason."""


class Slurm(Scheduler):
    """SLURM, asked by ``squeue`` alone, which works with accounting off.

    Args:
        configuration: Path of another ``slurm.conf`` than the machine's own.
    """

    def __init__(self, configuration: str | None = None) -> None:
        if configuration is not None:
            os.environ["SLURM_CONF"] = configuration

    def executor(self, folder: Path, request: Request) -> Any:
        from submitit import SlurmExecutor

        executor = SlurmExecutor(folder, max_num_timeout=MOST_REQUEUES, python=request.python)
        executor.update_parameters(**parameters(request))
        return executor

    def script(self, folder: Path, request: Request, elements: int) -> str:
        from submitit.slurm.slurm import _make_sbatch_string  # the executor itself refuses to be made without srun

        command = f"{request.python} -u -m submitit.core._submit {shlex.quote(str(folder))}"
        asked = parameters(request) | ({"map_count": elements} if elements > 1 else {})
        return _make_sbatch_string(command=command, folder=folder, **asked)

    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[Task]:
        wanted, called = set(jobs), set(names)
        return [task for task in self._all() if task.id.split("_")[0] in wanted or task.name in called]

    def cancel(self, folder: Path, tasks: Sequence[str]) -> None:
        answer(["scancel", *tasks], "SLURM")

    def load(self) -> int:
        return len(self._all())

    def _all(self) -> list[Task]:
        """Every job of the user that is not over, an element of an array each.

        The user is who this process is, as for SLURM; LOGNAME may still name another one, after ``su`` or ``sudo``.
        """
        command = ["squeue", "--noheader", "--array", "--user", str(os.getuid()), "--format", COLUMNS]
        rows = [line.split("|", 3) for line in answer(command, "SLURM").splitlines() if line.count("|") >= 3]
        return [
            Task(
                id_,
                name,
                _state(state),
                _reason(state, reason),
                ending=state == "COMPLETING",
            )
            for id_, state, name, reason in rows
            if state not in ENDED
        ]


def _state(state: str) -> State:
    return "pending" if state in (*WAITING, *STOPPED) else "running"


def _reason(state: str, reason: str) -> str:
    """Why a job waits; of one that was stopped while it ran, squeue gives no reason."""
    if state in STOPPED:
        return state.lower()
    return reason if state in WAITING and reason != "None" else ""


def parameters(request: Request) -> dict[str, Any]:
    """What submitit's executor calls the things that are asked for."""
    asked: dict[str, Any] = {
        "job_name": request.name,
        "time": request.minutes,
        "partition": request.queue,
        "account": request.account,
        "qos": request.qos,
        "nodes": request.nodes,
        "ntasks_per_node": request.workers,
        "cpus_per_task": request.cpus,
        "mem": None if request.memory_gib is None else f"{round(request.memory_gib * 1024)}M",
        "gres": _gres(request),
        "exclude": ",".join(request.exclude) or None,
        "dependency": None if request.after is None else f"afterany:{request.after}",
        "array_parallelism": request.at_a_time,
        "signal_delay_s": request.signal_seconds,
        "setup": list(request.setup),
        "use_srun": True,
        # One worker that fails must not end the others; of one training over several nodes, it must.
        "srun_args": [f"--kill-on-bad-exit={int(request.nodes > 1)}"],
        "additional_parameters": {"requeue" if request.requeue else "no-requeue": True} | _options(request.options),
        "wckey": None,
    }
    return {name: value for name, value in asked.items() if value is not None or name == "wckey"}


def _options(options: Sequence[str]) -> dict[str, Any]:
    """Options as submitit takes them: ``--constraint=a100`` is ``{"constraint": "a100"}``."""
    split = [option.removeprefix("--").partition("=") for option in options]
    return {name: value if equals else True for name, equals, value in split}


def _gres(request: Request) -> str | None:
    if not request.gpus:
        return None
    return f"gpu:{request.gpu_type}:{request.gpus}" if request.gpu_type else f"gpu:{request.gpus}"
