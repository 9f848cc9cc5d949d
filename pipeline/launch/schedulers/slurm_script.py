"""The script of a job of SLURM: ``#SBATCH`` options, the setup, and ``srun`` with the workers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from pipeline.launch.clusters.extra_options import LONG_NAMES, Option, sbatch_options
from pipeline.launch.schedulers.scheduler import JobRequest

WARNING = "USR2"
"""The signal by which submitit learns that a job is about to end, unless ``SUBMITIT_PREEMPT_SIGNAL`` is set."""


def script_text(request: JobRequest, folder: Path, num_tasks: int = 1) -> str:
    """Write the script of an array, or of a plain job of one task.

    Args:
        request: What is asked for.
        folder: Where submitit looks for arguments and results, and where logs go.
        num_tasks: Tasks of the array.

    Returns:
        The text, for bash.
    """
    job = "%A_%a" if num_tasks > 1 else "%j"
    logs = folder / f"{job}_%t_log"
    srun = ["srun", "--unbuffered", "--output", f"{logs}.out", "--error", f"{logs}.err"]
    # One worker that fails must not end the others; of one training over several nodes, it must.
    srun.append(f"--kill-on-bad-exit={int(request.nodes > 1)}")
    lines = [
        "#!/bin/bash",
        "",
        *(_line(option) for option in _options(request, str(logs).replace("%t", "0"), num_tasks)),
        "",
        "# setup",
        *request.setup,
        "",
        "# workers",
        "# whatever --export has left out of this job: a step gets what is here",
        "export SLURM_EXPORT_ENV=ALL SUBMITIT_EXECUTOR=slurm",
        "# a job is queued again by its own cluster",
        "unset SLURM_CLUSTERS",
        f"{shlex.join(srun)} {request.python} -u -m submitit.core._submit {shlex.quote(str(folder))}",
        "",
    ]
    return "\n".join(lines)


def options_in(script: str) -> set[str]:
    """The full names of the options that a script asks for."""
    names = re.findall(r"^#SBATCH --?([\w-]+)", script, re.MULTILINE)
    return {LONG_NAMES.get(name, name) for name in names}


def _options(request: JobRequest, logs: str, num_tasks: int) -> Iterator[Option]:
    """The options that are requested, and then those of the profile."""
    more = sbatch_options(request.options)
    asked = {
        "job-name": request.name,
        "time": request.minutes,
        "partition": request.queue,
        "account": request.account,
        "qos": request.qos,
        "nodes": request.nodes,
        "ntasks-per-node": request.workers,
        "cpus-per-task": request.cpus,
        "mem": None if request.memory_gib is None else f"{round(request.memory_gib * 1024)}M",
        "gres": ",".join((*_gpus(request), *(option.value or "" for option in more if option.name == "gres"))) or None,
        "exclude": ",".join(request.exclude) or None,
        "dependency": None if request.after is None else f"afterany:{request.after}",
        "array": f"0-{num_tasks - 1}%{min(num_tasks, request.at_a_time)}" if num_tasks > 1 else None,
        "signal": f"{WARNING}@{request.signal_seconds}",
        "output": f"{logs}.out",
        "error": f"{logs}.err",
        "open-mode": "append",
    }
    for name, value in asked.items():
        if value is not None:
            yield Option(name, f"--{name}", str(value))
    yield Option("requeue", "--requeue" if request.requeue else "--no-requeue")
    yield from (option for option in more if option.name != "gres")


def _gpus(request: JobRequest) -> tuple[str, ...]:
    if not request.gpus:
        return ()
    return (":".join(("gpu", *([request.gpu_type] if request.gpu_type else []), str(request.gpus))),)


def _line(option: Option) -> str:
    if option.value is None:
        return f"#SBATCH {option.written}"
    between = "=" if option.written.startswith("--") else " "
    return f"#SBATCH {option.written}{between}{shlex.quote(option.value)}"
