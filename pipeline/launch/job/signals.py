"""Time limit and signals of a job: when a worker has to stop, and what brings that moment forward."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.launch.notes.submission import Submission
    from pipeline.training.deadline import Deadline

STARTED = "PIPELINE_JOB_STARTED"
"""Variable in which the script of a job says when it began, in seconds since 1970."""
END_OF_JOB = "SLURM_JOB_END_TIME"
"""Variable in which SLURM says when it will end the job, in seconds since 1970."""


def began_at() -> float:
    """The time at which the job began, in seconds since 1970."""
    return float(os.environ.get(STARTED) or time.time())


def stop_at(submission: Submission) -> float:
    """The time at which a worker has to stop, in seconds since 1970: its margin before the end of the job."""
    end = float(os.environ.get(END_OF_JOB) or began_at() + 60 * submission.minutes)
    return end - submission.margin_seconds


@dataclass
class JobSignals:
    """The signals of a job, taken as earlier deadlines; what submitit would do about one is kept for later.

    Args:
        deadline: When training stops.
    """

    deadline: Deadline
    sigterm_received: bool = field(default=False, init=False)
    _queue_again: Any = field(default=None, init=False)

    def listen(self) -> None:
        """Take over the signals from submitit, which would write and requeue in the midst of a training."""
        warning = getattr(signal, f"SIG{os.environ.get('SUBMITIT_PREEMPT_SIGNAL', 'USR2')}")
        self._queue_again = signal.getsignal(warning)
        signal.signal(warning, self._warned)
        signal.signal(signal.SIGTERM, self._told)

    def queue_again(self) -> None:
        """Let submitit queue the job again, as it would on a warning; this ends the process."""
        if callable(self._queue_again):
            self._queue_again(signal.SIGUSR2, None)

    def _warned(self, number: int, frame: object) -> None:
        self.deadline.bring_forward(time.monotonic())

    def _told(self, number: int, frame: object) -> None:
        self.sigterm_received = True
        self.deadline.bring_forward(time.monotonic())
