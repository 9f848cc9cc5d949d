"""When a training must have stopped, such as at the end of a job's time."""

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
        """Stop at another moment if that is earlier; a signal handler may call this."""
        self.at = min(self.at, at)

    def passed(self) -> bool:
        """Whether it is time to stop."""
        return time.monotonic() >= self.at
