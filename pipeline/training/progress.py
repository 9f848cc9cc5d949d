"""Progress of a whole run: a live line on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from pipeline.experiment.packing import Pack, operations_of_pack
from pipeline.plan import Plan

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_REDRAWS = 0.2


class Progress:
    """Counts trials and trial-steps, and says how long the rest will take.

    The rate is measured over the trial-steps of this process, so work found finished does
    not flatter it. Trials differ in cost; the estimate weighs them by their operations.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()

    def start(self, plan: Plan, left: Sequence[Pack], *, diverged: int = 0) -> None:
        """Begin, with the packs that are still to be trained and how many trials diverged before."""
        self.num_trials = len(plan.trials)
        self.trials_done = self.num_trials - sum(len(pack.trials) for pack in left)
        self.cost_left = sum(operations_of_pack(pack) for pack in left)
        self.cost_done = 0.0
        self.left, self.position = left, 0
        self.trial_steps = self.pack_steps = 0
        self.diverged, self.failed = diverged, 0
        self.started = self.drawn = time.monotonic()
        if self.trials_done:
            self.stream.write(f"{self.trials_done} of {self.num_trials} trials were finished before\n")

    def advanced(self, trial_steps: int) -> None:
        """Take note of trial-steps of the pack that is being trained."""
        self.trial_steps += trial_steps
        self.pack_steps += trial_steps
        pause = SECONDS_BETWEEN_REDRAWS if self.live else SECONDS_BETWEEN_LINES
        if time.monotonic() - self.drawn >= pause:
            self.draw()

    def finished(self, pack: Pack, *, diverged: int = 0, failed: int = 0) -> None:
        """Take note of the end of a pack."""
        self.trials_done += len(pack.trials)
        self.diverged += diverged
        self.failed += failed
        self.cost_done += operations_of_pack(pack)
        self.pack_steps = 0
        self.position += 1

    def stop(self) -> None:
        """Leave the last line standing."""
        if not self.left:
            return
        self.draw()
        if self.live:
            self.stream.write("\n")

    def draw(self) -> None:
        """Show how far it is."""
        self.drawn = time.monotonic()
        self._line(self.text())

    def text(self) -> str:
        """One line: trials done, rate, time left, diverged and failed."""
        elapsed = time.monotonic() - self.started
        parts = [
            f"{self.trials_done}/{self.num_trials} trials",
            f"{_short(self.trial_steps / max(elapsed, 1e-9))} trial-steps/s",
        ]
        now = self.cost_done
        if self.position < len(self.left):
            pack = self.left[self.position]
            now += operations_of_pack(pack) * min(1.0, self.pack_steps / pack.trial_steps)
            if now:
                parts.append(f"{duration(elapsed * (self.cost_left - now) / now)} left")
        else:
            parts.append(f"in {duration(elapsed)}")
        parts += [f"{self.diverged} diverged", f"{self.failed} failed"]
        return ", ".join(parts)

    def _line(self, text: str) -> None:
        self.stream.write(f"\r\x1b[2K{text}" if self.live else f"{text}\n")
        self.stream.flush()


def _short(number: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return f"{number:.3g}"


def duration(seconds: float) -> str:
    """A time as people say it: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
