"""Executor for SLURM: submitit's own, with a script and an environment of this project.

Beside sbatch's own sentence sites print banners, and wrappers of theirs the bare number (NIH
Biowulf). Where the sentence is missing the job is looked up by its name, which no other has: a
bare number may be a year.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from submitit.core import utils
from submitit.slurm.slurm import SlurmExecutor, SlurmJob

from pipeline.errors import PipelineError
from pipeline.launch.clusters.extra_options import asks_for_gpus
from pipeline.launch.commands import run
from pipeline.launch.schedulers.scheduler import MOST_REQUEUES, JobRequest
from pipeline.launch.schedulers.slurm_script import options_in, script_text

SECONDS_TO_SEND = 180.0
"""How long sbatch may take: a controller under load answers late, and sbatch asks again by itself."""

VARIABLES = {
    "SBATCH_ARRAY_INX": "array",
    "SBATCH_MEM_PER_NODE": "mem",
    "SBATCH_REQ_SWITCH": "switches",
    "SBATCH_TIMELIMIT": "time",
    "SBATCH_WAIT4SWITCH": "switches",
}
"""Variables of sbatch that are not called after their option; all others are: ``SBATCH_GPU_BIND``."""
ALIKE = (
    {"mem", "mem-per-cpu", "mem-per-gpu"},
    {"cpus-per-task", "cpus-per-gpu"},
    {"requeue", "no-requeue"},
)
"""Options of which one is enough."""
NEVER = {"array", "wait", "gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task", "tres-per-task", "clusters"}
"""Options that a variable never gives: how many tasks and GPUs a job has is planned, and submit waits for none."""


class SlurmScriptExecutor(SlurmExecutor):
    """Sends functions to SLURM.

    Args:
        folder: Folder of the submission, on a file system that all nodes see.
        request: What is asked for.
        settings: Variables of the cluster, such as ``SLURM_CONF``.
        find: Finds the id of a job by its name.
    """

    def __init__(
        self, folder: Path, request: JobRequest, settings: dict[str, str | None], find: Callable[[str], str | None]
    ) -> None:
        super().__init__(folder, max_num_timeout=MOST_REQUEUES, python=request.python)
        self.request, self.settings, self.find = request, settings, find
        self.sent_to: str | None = None
        """The cluster that has taken the last job, where sbatch names it."""

    def _internal_process_submissions(self, delayed_submissions: list[utils.DelayedSubmission]) -> list[Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        pickles: list[Path] = []
        try:
            for delayed in delayed_submissions:
                pickles.append(self.folder / f"{uuid.uuid4().hex}.pkl")
                delayed.set_timeout(self.request.minutes, self.max_num_timeout)
                delayed.dump(pickles[-1])
            number = self._send(len(pickles))
        except BaseException:
            for path in pickles:
                path.unlink(missing_ok=True)
            raise
        ids = [number] if len(pickles) == 1 else [f"{number}_{index}" for index in range(len(pickles))]
        tasks = list(range(self.request.nodes * self.request.workers))
        jobs = [SlurmJob[Any](folder=self.folder, job_id=id_, tasks=tasks) for id_ in ids]
        for job, path in zip(jobs, pickles, strict=True):
            job.paths.move_temporary_file(path, "submitted_pickle")
        return jobs

    def _send(self, num_tasks: int) -> str:
        """Submit the script as an array of several tasks, or as a plain job; its number."""
        script = self.folder / f".submission_file_{uuid.uuid4().hex}.sh"
        try:
            text = script_text(self.request, self.folder, num_tasks)
            script.write_text(text)
            settings = self.settings | dict.fromkeys(replaced(os.environ, options_in(text)))
            done = run(["sbatch", str(script)], settings=settings, seconds=SECONDS_TO_SEND, cluster="a SLURM cluster")
            if done.returncode:
                words = done.stderr.strip() or done.stdout.strip() or f"sbatch ended with status {done.returncode}"
                raise utils.FailedSubmissionError(words)
            number = self._number_in(done.stdout)
            script.rename(self.folder / f"{number}_submission.sh")
        finally:
            script.unlink(missing_ok=True)
        return number

    def _number_in(self, printed: str) -> str:
        """The number of the job that has just been sent; its cluster is noted if it is named."""
        number, self.sent_to = sentence(printed)
        if number is not None:
            return number
        alone, cluster = bare_number(printed)
        try:
            number = self.find(self.request.name)
        except PipelineError:
            if alone is None:
                raise
        if number is None:
            number, self.sent_to = alone, cluster
        if number is None:
            raise utils.FailedSubmissionError(f"sbatch printed no id of a job but {printed!r}")
        return number


def sentence(printed: str) -> tuple[str | None, str | None]:
    """The number of the job, and the cluster if it is named, in the sentence that sbatch prints."""
    said = re.search(r"^Submitted batch job (\d+)(?: on cluster (\S+))?\s*$", printed, re.MULTILINE)
    return (said[1], said[2]) if said else (None, None)


def bare_number(printed: str) -> tuple[str | None, str | None]:
    """The only number that stands alone in a line, and the cluster after it, as with ``--parsable``."""
    alone = re.findall(r"^\s*(\d+)(?:;(\S+))?\s*$", printed, re.MULTILINE)
    return (alone[0][0], alone[0][1] or None) if len(alone) == 1 else (None, None)


def replaced(variables: Mapping[str, str], said: set[str]) -> list[str]:
    """Choose the variables of sbatch that would replace what a script says, as variables do; others stay in force.

    Args:
        variables: Their values by name.
        said: Full names of the options of the script.

    Returns:
        Their names.
    """
    given = said | {option for alike in ALIKE if alike & said for option in alike} | NEVER
    given |= {"gres"} if asks_for_gpus(variables.get("SBATCH_GRES", "")) else set()
    return [name for name in variables if name.startswith("SBATCH_") and option_of(name) in given]


def option_of(variable: str) -> str:
    """The option that a variable of sbatch stands for."""
    return VARIABLES.get(variable) or variable.removeprefix("SBATCH_").lower().replace("_", "-")
