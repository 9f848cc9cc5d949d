"""Deadline of a training, such as some time before the end of a job's walltime."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


class Stopped(Exception):  # noqa: N818 -- it is no error: what was done is kept, and the rest goes on from there
    """The deadline has passed, and everything done before it is on disk."""


@dataclass
class Deadline:
    """A moment after which no further segment of training is begun.

    Args:
        at: The moment on the clock of ``time.monotonic``, seconds.
    """

    at: float = math.inf

    def bring_forward(self, at: float) -> None:
        """Stop earlier; a signal handler may call this.

        Args:
            at: The new moment, on the same clock. A later one than before changes nothing.
        """
        self.at = min(self.at, at)

    def passed(self) -> bool:
        """Whether it is time to stop."""
        return time.monotonic() >= self.at
