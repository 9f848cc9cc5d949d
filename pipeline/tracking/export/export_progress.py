"""Progress of an export: a bar on a terminal, a line every five seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from pipeline.durations import duration

SECONDS_BETWEEN_LINES = 5.0
BAR_WIDTH = 12


class ExportProgress:
    """Counts exported runs; between enter and exit its bar stands below all that is said.

    The remaining time is the elapsed time, times the runs left over the runs done. (The estimate of ``rich`` 15 knows
    nothing before the second step, and runs go in batches of 50.)

    Args:
        what: What is counted.
        total: How many there are.
        say: Told how far it is, where there is no terminal that moves its cursor.
    """

    def __init__(self, what: str, total: int, say: Callable[[str], None]) -> None:
        self.what, self.total, self.say = what, total, say
        # rich by itself takes a log for a terminal where FORCE_COLOR is set, as some CI does.
        console = Console(stderr=True, force_terminal=sys.stderr.isatty())
        self.live = console.is_terminal and not console.is_dumb_terminal
        columns = (BarColumn(BAR_WIDTH), TextColumn("{task.description}", markup=False))
        self.bar = Progress(*columns, console=console, auto_refresh=False, transient=True, disable=not self.live)
        self.task = self.bar.add_task(f"0/{total} {what}", total=total)
        self.done = 0
        self.begun = self.said = time.monotonic()

    def __enter__(self) -> ExportProgress:
        self.bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.bar.stop()

    def advance(self, runs: int = 1) -> None:
        """Count some runs, and say so if that was not said for a while."""
        self.done += runs
        now = time.monotonic()
        left = (now - self.begun) * (self.total - self.done) / self.done
        text = f"{self.done}/{self.total} {self.what}, {duration(left)} left"
        self.bar.update(self.task, completed=self.done, description=text, refresh=True)
        if self.live or now - self.said < SECONDS_BETWEEN_LINES or self.done >= self.total:
            return
        self.said = now
        self.say(text)
