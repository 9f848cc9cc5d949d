"""PBS Pro for submitit: ``submitit.AutoExecutor(folder, cluster="pbs")``.

Registered as a plugin by the entry points of this package. A job's number is its id for
submitit (``1234``, ``1234_7``); the full id with the server's name lies beside the
submission, and so does the exit code of each job, for servers that forget.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import signal
import socket
import sys
import threading
import time
import types
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from submitit.core import core, job_environment, logger, utils

from pipeline.errors import PipelineError, enumerated
from pipeline.launch.commands import run
from pipeline.launch.pbs.qstat import FINAL, JobInfo, ask, parse_id
from pipeline.launch.pbs.script import DELAY_VARIABLE, END_VARIABLE, PbsParameters, qsub_command, script_text
from pipeline.records.atomic_writes import replacing

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
    """What PBS says of a job, or what the job itself has left behind where PBS does not know.

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


class PbsJobEnvironment(job_environment.JobEnvironment):
    """The environment of a worker inside a job."""

    _env = {  # noqa: RUF012 (declared as a ClassVar by submitit)
        "job_id": "PBS_JOBID",
        "array_job_id": "PBS_ARRAY_ID",
        "array_task_id": "PBS_ARRAY_INDEX",
        "nodes": "PBS_NODEFILE",
        "num_tasks": "SUBMITIT_PBS_NTASKS",
        "num_nodes": "SUBMITIT_PBS_NODES",
        "node": "SUBMITIT_PBS_NODEID",
        "global_rank": "SUBMITIT_PBS_GLOBALID",
        "local_rank": "SUBMITIT_PBS_LOCALID",
    }

    @property
    def raw_job_id(self) -> str:
        return parse_id(os.environ[self._env["job_id"]]).number

    @property
    def array_job_id(self) -> str | None:
        return self.raw_job_id if self.array_task_id is not None else None

    @property
    def array_task_id(self) -> str | None:
        index = parse_id(os.environ[self._env["job_id"]]).index
        return index or (os.environ.get(self._env["array_task_id"]) if index == "" else None)

    @property
    def hostnames(self) -> Sequence[str]:
        try:
            listed = Path(os.environ[self._env["nodes"]]).read_text().split()
        except (KeyError, OSError):
            listed = []
        return list(dict.fromkeys(listed)) or [socket.gethostname()]

    def _handle_signals(self, paths: utils.JobPaths, submission: utils.DelayedSubmission) -> None:
        super()._handle_signals(paths, submission)
        handler = job_environment.SignalHandler(self, paths, submission)

        def stop(signum: int, frame: types.FrameType | None) -> None:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # PBS says it again while the state is being written
            handler.checkpoint_and_exit(signum, frame)
            sys.exit(-1)  # of several workers, submitit's handler lets only the first end

        signal.signal(signal.SIGTERM, stop)  # in PBS it means that KILL comes in seconds
        self._warn_before_end()

    def _warn_before_end(self) -> None:
        """Send this process the signal that other schedulers send before the walltime is over."""
        if END_VARIABLE not in os.environ:
            return
        left = float(os.environ[END_VARIABLE]) - time.time()
        wait = left - float(os.environ.get(DELAY_VARIABLE, "0"))
        timer = threading.Timer(wait if wait > 0 else left / 2, os.kill, (os.getpid(), self._usr_sig()))
        timer.daemon = True
        timer.start()

    def _requeue(self, countdown: int) -> None:
        logger.get_logger().warning(
            f"Job {self.job_id} ends here: PBS lets no owner requeue a job (qrerun is refused). "
            "What is left is for a job that depends on it, or for the next submission."
        )


class PbsExecutor(core.PicklingExecutor):
    """Sends functions to PBS Pro.

    Args:
        folder: Folder of the submission, on a file system that all nodes see.
        max_num_timeout: As in submitit; a job is never requeued here.
        max_pickle_size_gb: Most that the pickles of a submission may take.
        python: Command that starts Python in a job, with its arguments, for a shell to read.
    """

    job_class = PbsJob

    def __init__(
        self,
        folder: str | Path,
        max_num_timeout: int = 3,
        max_pickle_size_gb: float = 1.0,
        python: str | None = None,
    ) -> None:
        super().__init__(folder, max_num_timeout=max_num_timeout, max_pickle_size_gb=max_pickle_size_gb)
        self.python = shlex.quote(sys.executable) if python is None else python
        if re.search("[:%]", str(self.folder)):
            hint = "PBS reads host:path in it, and submitit fills in %"
            raise PipelineError(f"{str(self.folder)!r} cannot be the folder of a job", hint=hint)

    @classmethod
    def affinity(cls) -> int:
        return 2 if shutil.which("qsub") else -1

    @classmethod
    def _equivalence_dict(cls) -> core.EquivalenceDict:
        return {
            "name": "job_name",
            "timeout_min": "time",
            "mem_gb": "mem",
            "nodes": "nodes",
            "cpus_per_task": "ncpus",
            "gpus_per_node": "ngpus",
            "tasks_per_node": "tasks_per_node",
        }

    @classmethod
    def _valid_parameters(cls) -> set[str]:
        return {field.name for field in dataclasses.fields(PbsParameters)}

    def _convert_parameters(self, params: dict[str, Any]) -> dict[str, Any]:
        converted = super()._convert_parameters(params)
        if isinstance(converted.get("mem"), int | float):
            gb = converted["mem"]
            converted["mem"] = f"{int(gb)}gb" if gb == int(gb) else f"{int(gb * 1024)}mb"
        if "cpus_per_task" in params:  # a chunk holds all tasks of a node
            converted["ncpus"] = params["cpus_per_task"] * params.get("tasks_per_node", 1)
        return converted

    def _internal_update_parameters(self, **kwargs: Any) -> None:
        PbsParameters.checked({**self.parameters, **kwargs})
        super()._internal_update_parameters(**kwargs)

    @property
    def _checked(self) -> PbsParameters:
        return PbsParameters.checked(self.parameters)

    def command(self, num_subjobs: int = 1, script: Path | str = "submission.sh", *, limited: bool = True) -> list[str]:
        """Build the qsub command of an array, or of a plain job of one subjob.

        Args:
            num_subjobs: Subjobs of the array.
            script: Path of the script.
            limited: Whether the subjobs that run at a time may be limited.

        Returns:
            Its words.
        """
        return qsub_command(self._checked, script, self.folder / "spool", num_subjobs, limited=limited)

    def script(self, num_subjobs: int = 1) -> str:
        """The script that is sent, with the command in its second line."""
        return script_text(
            self._checked, self._submitit_command_str, self.folder, Path.cwd(), self.command(num_subjobs)
        )

    @property
    def _submitit_command_str(self) -> str:
        return f"{self.python} -u -m submitit.core._submit {shlex.quote(str(self.folder))}"

    def _num_tasks(self) -> int:
        return self._checked.tasks_per_node

    def _make_submission_file_text(self, command: str, uid: str) -> str:
        return self.script()

    def _make_submission_command(self, submission_file_path: Path) -> list[str]:
        return self.command(script=submission_file_path)

    @staticmethod
    def _get_job_id_from_submission_command(string: bytes | str) -> str:
        return job_number(printed_id(string if isinstance(string, str) else string.decode()))

    def _submit_command(self, command: str) -> core.Job[Any]:
        return self._send(1)[0]

    def _internal_process_submissions(self, delayed_submissions: list[utils.DelayedSubmission]) -> list[core.Job[Any]]:
        self._throttle()
        self._last_job_submitted = time.time()
        self.folder.mkdir(parents=True, exist_ok=True)
        pickles: list[Path] = []
        try:
            for delayed in delayed_submissions:
                pickles.append(self.folder / f"{uuid.uuid4().hex}.pkl")
                self._dump(delayed, pickles[-1], len(delayed_submissions))
            jobs = self._send(len(pickles))
        except BaseException:
            for path in pickles:
                path.unlink(missing_ok=True)
            raise
        for job, path in zip(jobs, pickles, strict=True):
            job.paths.move_temporary_file(path, "submitted_pickle")
        return jobs

    def _dump(self, delayed: utils.DelayedSubmission, path: Path, count: int) -> None:
        delayed.set_timeout(self._checked.time, self.max_num_timeout)  # type: ignore[arg-type]  # parts of a minute
        delayed.dump(path)
        size = count * path.stat().st_size / 1024**3
        if size > self.max_pickle_size_gb:
            what = f"{count} pickles of together {size:.2g} GB are more than {self.max_pickle_size_gb:g} GB"
            raise PipelineError(what, hint="give the jobs less to carry, or raise max_pickle_size_gb")

    def _send(self, num_subjobs: int) -> list[core.Job[Any]]:
        """Submit the script as an array of several subjobs, or as a plain job, and note the full id."""
        (self.folder / "spool").mkdir(parents=True, exist_ok=True)
        script = self.folder / f".submission_file_{uuid.uuid4().hex}.sh"
        try:
            script.write_text(self.script(num_subjobs))
            printed = self._qsub(num_subjobs, script)
            number = parse_id(printed).number
            with replacing(self.folder / f"{number}_full_id") as part:
                part.write_text(printed)
            script.rename(self.folder / f"{number}_submission.sh")
        finally:
            script.unlink(missing_ok=True)
        ids = [number] if num_subjobs == 1 else [f"{number}_{index}" for index in range(num_subjobs)]
        return [PbsJob(self.folder, id_, tasks=range(self._num_tasks())) for id_ in ids]

    def _qsub(self, num_subjobs: int, script: Path) -> str:
        command = self.command(num_subjobs, script)
        done = run(command)
        plain = self.command(num_subjobs, script, limited=False)
        if done.returncode and "illegal -J value" in done.stderr and plain != command:
            logger.get_logger().warning("This PBS limits no subjobs of an array that run at a time: sent without.")
            done = run(plain)
        if done.returncode:
            words = (done.stderr.strip() or f"qsub ended with status {done.returncode}").split("\nusage:")[0]
            raise PipelineError(f"PBS refused the job: {words}", hint="the command was: " + shlex.join(command))
        return printed_id(done.stdout)


def printed_id(printed: str) -> str:
    """Find the full id among what qsub has printed; hooks of a site may print more, a year alone in its line too.

    Args:
        printed: Standard output of qsub.

    Returns:
        The id, such as ``1234.server`` or ``1234[].server``.

    Raises:
        PipelineError: If there is none, or more than one.
    """
    for brackets, server in ((r"\[\]", r"(?:\.[\w.-]+)?"), ("", r"\.[A-Za-z][\w.-]*"), ("", r"(?:\.[\w.-]+)?")):
        found = set(re.findall(rf"^\s*(\d+{brackets}{server})\s*$", printed, re.MULTILINE))
        if len(found) == 1:
            return str(found.pop())
    raise PipelineError(f"qsub printed no id of a job but {printed!r}", hint="look with qstat what has become of it")
