"""PBS Pro for submitit: ``submitit.AutoExecutor(folder, cluster="pbs")``.

Registered as a plugin by the entry points of this package. A job's number is its id for
submitit (``1234``, ``1234_7``); the full id with the server's name lies beside the
submission, and so does the exit code of each job, for servers that forget.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from submitit.core import core, logger, utils

from pipeline.errors import PipelineError
from pipeline.launch.commands import run
from pipeline.launch.pbs.job import PbsJob, job_number
from pipeline.launch.pbs.job_id import parse_id
from pipeline.launch.pbs.script import PbsParameters, qsub_command, script_text
from pipeline.records.atomic_writes import replacing


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
