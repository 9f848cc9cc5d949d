"""How far an export is: a line now and then, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.durations import duration

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts runs.

    Args:
        what: What is counted.
        total: How many there are.
        say: Told how far it is.
    """

    def __init__(self, what: str, total: int, say: Callable[[str], None]) -> None:
        self.what, self.total, self.say = what, total, say
        self.done = 0
        self.begun = self.said = time.monotonic()

    def advance(self, more: int = 1) -> None:
        """Count some, and say so if that was not said for a while."""
        self.done += more
        now = time.monotonic()
        if now - self.said < SECONDS_BETWEEN_LINES or self.done >= self.total:
            return
        self.said = now
        left = (now - self.begun) * (self.total - self.done) / self.done
        self.say(f"{self.done}/{self.total} {self.what}, {duration(left)} left")
