"""PBS Pro, through this project's plugin for submitit."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.launch.clusters.extra_options import qsub_options
from pipeline.launch.commands import run
from pipeline.launch.notes.exit_reasons import NODE_FAILURE, OUT_OF_MEMORY, TIME_LIMIT
from pipeline.launch.notes.terminations import note_killed
from pipeline.launch.pbs import qstat
from pipeline.launch.pbs.job_id import parse_id
from pipeline.launch.pbs.job_state import FINAL, JobInfo
from pipeline.launch.schedulers.scheduler import MOST_REQUEUES, JobRequest, Scheduler, SchedulerTask
from pipeline.records.atomic_writes import replacing

KILLED_FOR = {"OUT_OF_MEMORY": OUT_OF_MEMORY, "TIMEOUT": TIME_LIMIT, "NODE_FAIL": NODE_FAILURE}
"""Causes of final states that the server itself brings about."""
SECONDS_TO_REJECT = 3.0
"""How long a server may take to delete a job whose dependency it rejects."""
SECONDS_BETWEEN_LOOKS = 0.5


class PbsScheduler(Scheduler):
    """PBS Pro, asked by ``qstat``; a job is over only where the server says so."""

    def executor(self, folder: Path, request: JobRequest) -> Any:
        from pipeline.launch.pbs.executor import PbsExecutor

        executor = PbsExecutor(folder, max_num_timeout=MOST_REQUEUES, python=request.python)
        executor.update_parameters(**parameters(folder, request))
        return executor

    def script(self, folder: Path, request: JobRequest, num_tasks: int) -> str:
        script: str = self.executor(folder, request).script(num_tasks)
        return script

    def tasks(self, jobs: Mapping[str, Path], names: Sequence[str] = ()) -> list[SchedulerTask]:
        from pipeline.launch.pbs.job import full_id, job_number

        if not jobs and not names:
            qstat.reached(run(["qstat", "-B"]))  # asked whether it is there at all
        full_ids = [full_id(folder, job) for job, folder in jobs.items()]
        called = {id_: name for name in names for id_ in qstat.find_by_name(name)}
        found = qstat.ask([*full_ids, *called]) if full_ids or called else {}
        arrays = {parse_id(id_).number for id_ in found if parse_id(id_).index}
        for id_, info in found.items():
            folder = jobs.get(parse_id(id_).number)
            if folder is not None and info.state in KILLED_FOR and not _is_array(id_):
                note_killed(folder, job_number(id_), KILLED_FOR[info.state])
        return [
            SchedulerTask(job_number(id_), called.get(id_, ""), _state(info.state), _reason(info), _is_ending(info))
            for id_, info in found.items()
            if info.state not in FINAL and not (_is_array(id_) and parse_id(id_).number in arrays)
        ]

    def find(self, folder: Path, name: str) -> str | None:
        ids = qstat.find_by_name(name)
        if not ids:
            return None
        number = parse_id(ids[-1]).number
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / f"{number}_full_id") as part:  # the process that sent it had no time to
            part.write_text(ids[-1])
        return number

    def cancel(self, folder: Path, tasks: Sequence[str]) -> None:
        from pipeline.launch.pbs.job import delete, full_id

        delete([full_id(folder, task) for task in tasks])

    def throws_away(self, job: str, before: str, folders: Mapping[str, Path]) -> bool:
        # Without history a server knows no job that has ended: it accepts one that waits for it, and deletes it.
        # OpenPBS 23.06.06 logs "Dependency request for job rejected" then; qsub has ended with 0 and printed an id.
        from pipeline.launch.pbs.job import full_id

        link, first = full_id(folders[job], job), full_id(folders[before], before)
        until, misses = time.monotonic() + SECONDS_TO_REJECT, 0
        while True:
            found = qstat.ask([link, first])
            gone = found[link].state in FINAL and not list(folders[job].glob(f"{job}_*log.out"))
            misses = misses + 1 if gone else 0
            if misses > 1 or found[first].state not in FINAL or time.monotonic() > until:
                return misses > 1
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def close(self, job: str, folder: Path) -> bool:
        # OpenPBS 23.06.06 miscounts the subjobs that ``qterm -t immediate`` put back: their array stays B for ever.
        # Without force, qdel leaves it there.
        from pipeline.launch.pbs.job import full_id

        array = full_id(folder, job)
        found = qstat.ask([array])
        over = [info.state in FINAL for id_, info in found.items() if id_ != array]
        if found[array].state in FINAL or not over or not all(over):
            return False
        return run(["qdel", "-W", "force", array]).returncode == 0

    def load(self) -> int:
        return qstat.users_jobs()


def _is_array(id_: str) -> bool:
    return parse_id(id_).index == ""


def _state(state: str) -> Any:
    return "running" if state in ("RUNNING", "COMPLETING") else "pending"


def _is_ending(info: JobInfo) -> bool:
    """Whether a job is over but for the server's own work, or somebody has deleted it: it then stays R for seconds."""
    return info.state == "COMPLETING" or " and terminated" in info.comment


def _reason(info: JobInfo) -> str:
    """The reason why a job waits; the comment of one that runs, or of an array of which some run, says when it began.

    One that was suspended keeps that comment (S, or U where somebody sits at the machine).

    Returns:
        The reason, in the server's words.
    """
    reason = "" if re.match("Job run at|Job Array Began", info.comment) else info.comment
    if info.state == "PREEMPTED":
        return reason or "suspended"
    return reason if _state(info.state) == "pending" else ""


def parameters(folder: Path, request: JobRequest) -> dict[str, Any]:
    """Map what is asked for to the parameters of the executor.

    Args:
        folder: The submitit folder of the submission.
        request: What is asked for.

    Returns:
        Values for ``PbsExecutor.update_parameters``.
    """
    from pipeline.launch.pbs.job import full_id

    chunk = [f"ncpus={request.cpus * request.workers}"] if request.cpus else []
    chunk += [f"mem={round(request.memory_gib * 1024)}mb"] if request.memory_gib is not None else []
    chunk += [f"ngpus={request.gpus}"] if request.gpus else []
    select = ":".join([str(request.nodes), *chunk, *request.chunk])
    before = None
    if request.after is not None:
        known = request.after.isdecimal()  # a dry run has no ids yet
        id_ = full_id(folder.parent / str(request.after_name), request.after) if known else request.after
        before = f"afterany:{id_}"
    return {
        "job_name": request.name,
        "project": request.project,
        "queue": request.queue,
        "time": request.minutes,
        "select": select,
        "place": "scatter" if request.nodes > 1 else None,
        "tasks_per_node": request.workers,
        "array_parallelism": request.at_a_time,
        "dependency": before,
        "setup": list(request.setup),
        "signal_delay_s": request.signal_seconds,
        "additional_parameters": [word for option in qsub_options(request.options) for word in option.words],
    }
