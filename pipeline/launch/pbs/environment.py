"""The environment of a worker inside a job of PBS, for submitit."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Sequence
from pathlib import Path

from submitit.core import job_environment, logger, utils

from pipeline.launch.pbs.job_id import parse_id
from pipeline.launch.pbs.script import DELAY_VARIABLE, END_VARIABLE


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
