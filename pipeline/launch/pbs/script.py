"""The script of a job of PBS, its parameters, and the qsub command."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from pipeline.errors import PipelineError, nearest

LONGEST_NAME = 230
"""Characters of a job's name; versions before 13 take 15."""
END_VARIABLE = "SUBMITIT_PBS_END"
"""In a job, the second since the epoch at which its walltime is over."""
DELAY_VARIABLE = "SUBMITIT_PBS_SIGNAL_DELAY"
"""In a job, how many seconds before that it is warned."""


@dataclass(frozen=True)
class PbsParameters:
    """Parameters of a job of PBS; a chunk is what one node gives.

    Args:
        job_name: Name of the job; what PBS does not allow in a name is replaced.
        project: Project to charge (``-P``).
        queue: Queue (``-q``); none where the site chooses it.
        time: Walltime in minutes.
        nodes: Chunks.
        ncpus: Processors of a chunk; none where the site fills it in.
        ngpus: GPUs of a chunk.
        mem: Memory of a chunk, such as ``64gb``.
        select: The whole request instead of the five fields above, such as ``1:ncpus=16:ngpus=1``.
        place: How chunks are placed; several are scattered over nodes if nothing is said.
        tasks_per_node: Workers in one job, which share out its GPUs.
        array_parallelism: Subjobs of an array that run at a time; none: as many as the site allows.
        dependency: What has to happen before, such as ``afterany:1234[].server``.
        setup: Shell lines before the workers.
        teardown: Shell lines after them.
        environment: Variables for setup lines and workers; nothing of the submitting shell comes along by itself.
        signal_delay_s: How long before the walltime a worker gets the warning signal of submitit.
        stderr_to_stdout: Whether there is one log instead of two.
        additional_parameters: More words for qsub, as they are: ``["-l", "container_engine=enroot"]``.
    """

    job_name: str = "submitit"
    project: str | None = None
    queue: str | None = None
    time: float = 5
    nodes: int = 1
    ncpus: int | None = None
    ngpus: int | None = None
    mem: str | None = None
    select: str | None = None
    place: str | None = None
    tasks_per_node: int = 1
    array_parallelism: int | None = None
    dependency: str | None = None
    setup: Sequence[str] = ()
    teardown: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    signal_delay_s: int = 90
    stderr_to_stdout: bool = False
    additional_parameters: Sequence[str] = ()

    def __post_init__(self) -> None:
        least = {"nodes": 1, "ncpus": 1, "ngpus": 0, "tasks_per_node": 1, "array_parallelism": 1, "signal_delay_s": 0}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < bound):
                _refuse(f"{name} must be an integer from {bound}, not {value!r}", f"take {bound} or more")
        if not self.time > 0:
            _refuse(f"a walltime of {self.time!r} minutes is none", "take a number above 0")
        if self.nodes > 1 and self.tasks_per_node > 1:
            what = f"{self.tasks_per_node} workers on each of {self.nodes} nodes cannot be started on PBS"
            _refuse(what, "take nodes=1, or tasks_per_node=1 and start the other nodes' processes yourself")
        both = [name for name in ("ncpus", "ngpus", "mem") if getattr(self, name) is not None]
        if self.select is not None and (both or self.nodes > 1):
            _refuse(f"select says all of {both or ['nodes']}", "give select alone, or the fields without it")
        for name in ("setup", "teardown", "additional_parameters"):
            if isinstance(getattr(self, name), str):
                _refuse(f"{name} is a list, not {getattr(self, name)!r}", "put it in brackets")
        for name in self.environment:
            if not re.fullmatch(r"[A-Za-z_]\w*", name):
                _refuse(f"{name!r} is no name of a variable", "take letters, digits and _")

    @classmethod
    def checked(cls, values: Mapping[str, object]) -> PbsParameters:
        """Make parameters of values that are named.

        Args:
            values: By name.

        Returns:
            The parameters.

        Raises:
            PipelineError: If one is unknown or impossible.
        """
        known = {known.name for known in dataclasses.fields(cls)}
        for name in values:
            if name not in known:
                _refuse(f"PBS jobs have no parameter {name!r}", nearest(name, known))
        return cls(**values)  # type: ignore[arg-type]

    def resources(self) -> str:
        """The resources that follow ``-l select=``."""
        if self.select is not None:
            return self.select
        asked = {"ncpus": self.ncpus, "mem": self.mem, "ngpus": self.ngpus}
        return ":".join([str(self.nodes), *(f"{name}={value}" for name, value in asked.items() if value is not None)])

    def gpus(self) -> int:
        """GPUs of one chunk."""
        if self.select is None:
            return self.ngpus or 0
        match = re.search(r"\bngpus=(\d+)", self.select)
        return int(match[1]) if match else 0


def _refuse(what: str, hint: str) -> NoReturn:
    raise PipelineError(what, hint=hint)


def allowed_name(name: str) -> str:
    """The name that PBS gets for a job: a letter first, then letters, digits and ``_.-``."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return (name if name[:1].isalpha() else f"j{name}")[:LONGEST_NAME]


def walltime(minutes: float) -> str:
    """A walltime as PBS reads it, in whole seconds."""
    seconds = max(1, round(minutes * 60))
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def qsub_command(
    parameters: PbsParameters, script: Path | str, spool: Path, num_subjobs: int = 1, *, limited: bool = True
) -> list[str]:
    """Build the command that submits a script.

    Args:
        parameters: What is asked for.
        script: Path of the script.
        spool: Folder for what PBS itself collects of the output: what comes before the logs are open.
        num_subjobs: Subjobs of the array; a single one is a plain job, as PBS refuses arrays of one.
        limited: Whether subjobs that run at a time may be limited; versions before 22.05 cannot.

    Returns:
        Its words.
    """
    words = ["qsub", "-N", allowed_name(parameters.job_name)]
    words += ["-P", parameters.project] if parameters.project else []
    words += ["-q", parameters.queue] if parameters.queue else []
    words += ["-l", f"select={parameters.resources()}"]
    place = parameters.place or ("scatter" if parameters.nodes > 1 else None)
    words += ["-l", f"place={place}"] if place else []
    words += ["-l", f"walltime={walltime(parameters.time)}"]
    if num_subjobs > 1:
        most = parameters.array_parallelism if limited else None
        words += ["-J", f"0-{num_subjobs - 1}" + (f"%{most}" if most is not None and most < num_subjobs else "")]
    words += ["-W", f"depend={parameters.dependency}"] if parameters.dependency else []
    words += ["-W", "umask=022", "-r", "y", "-m", "n", "-j", "oe", "-o", f"{spool}/"]
    return [*words, *parameters.additional_parameters, str(script)]


def script_text(parameters: PbsParameters, worker: str, folder: Path, start: Path, sent_with: Sequence[str]) -> str:
    """Write the script of a job.

    Args:
        parameters: What is asked for.
        worker: Command of one worker, for a shell to read.
        folder: Where submitit looks for logs and results.
        start: Working directory of the workers; PBS starts in the home directory.
        sent_with: The qsub command, for the reader.

    Returns:
        The text, for bash.
    """
    tasks = parameters.tasks_per_node
    lines = [
        "#!/bin/bash",
        f"# {shlex.join(sent_with)}",
        "started=$(date +%s)",
        "umask 022",
        "# 1234.server is 1234 here, and 1234[7].server is 1234_7",
        "job=${PBS_JOBID%%.*}; job=${job/\\[/_}; job=${job%]}",
        f"folder={shlex.quote(str(folder))}",
        'code_file="$folder/${job}_exit_code"',
        'rm -f "$code_file"',
        """trap 'code=$?; echo "$code" >"$code_file.part" && mv -f "$code_file.part" "$code_file"' EXIT""",
        _redirection("0", parameters.stderr_to_stdout),
        f"cd {shlex.quote(str(start))} || exit 1",
        *(f"export {name}={shlex.quote(str(value))}" for name, value in parameters.environment.items()),
        *_section("setup", parameters.setup),
        "",
        "# workers",
        f"export SUBMITIT_EXECUTOR=pbs SUBMITIT_PBS_NTASKS={tasks} SUBMITIT_PBS_NODES=1 SUBMITIT_PBS_NODEID=0",
        f"export {END_VARIABLE}=$((started + {max(1, round(parameters.time * 60))})) "
        f"{DELAY_VARIABLE}={parameters.signal_delay_s}",
        "workers=()",
        "# PBS signals every process of a job; this one stays, as what is left when it ends is killed",
        """trap 'kill -TERM "${workers[@]}" 2>/dev/null' TERM""",
        "trap : USR2",
        f"for ((task = 0; task < {tasks}; task++)); do",
        "  (",
        f"    {_redirection('${task}', parameters.stderr_to_stdout)}",
        "    export SUBMITIT_PBS_LOCALID=$task SUBMITIT_PBS_GLOBALID=$task",
        *_share_of_gpus(tasks, parameters.gpus()),
        f"    exec env {worker}",
        "  ) &",
        "  workers+=($!)",
        "done",
        *WAITING,
        *_section("teardown", parameters.teardown),
        "exit $worst",
        "",
    ]
    return "\n".join(lines)


WAITING = (
    "worst=0",
    'for worker in "${workers[@]}"; do',
    '  while wait "$worker"; code=$?; ((code > 128)) && kill -0 "$worker" 2>/dev/null; do :; done',
    "  # a signal ended the wait just before the worker ended: its own code is still to be had",
    '  if ((code > 128)); then wait "$worker"; code=$?; fi',
    "  if ((code > worst)); then worst=$code; fi",
    "done",
)


def _redirection(task: str, together: bool) -> str:
    err = "2>&1" if together else f'2>>"$folder/${{job}}_{task}_log.err"'
    return f'exec >>"$folder/${{job}}_{task}_log.out" {err}'


def _section(name: str, lines: Sequence[str]) -> list[str]:
    return ["", f"# {name}", *lines] if lines else []


def _share_of_gpus(tasks: int, gpus: int) -> list[str]:
    """Lines that leave each of several workers its own GPUs, of those that the site has given to the job."""
    if tasks == 1 or gpus == 0:
        return []
    every = ",".join(str(gpu) for gpu in range(gpus))
    return [
        f"    IFS=,; gpus=(${{CUDA_VISIBLE_DEVICES:-{every}}})",
        f"    share=$((${{#gpus[@]}} < {tasks} ? 1 : ${{#gpus[@]}} / {tasks}))",
        '    export CUDA_VISIBLE_DEVICES="${gpus[*]:task * share % ${#gpus[@]}:share}"; unset IFS',
    ]
