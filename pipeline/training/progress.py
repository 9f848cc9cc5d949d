"""Progress of a whole run: a live line on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from pipeline.durations import duration
from pipeline.experiment.packing import Pack, operations_of_pack

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
        self.warned: set[str] = set()

    def start(self, packs: Sequence[Pack], left: Sequence[Pack], *, diverged: int = 0) -> None:
        """Begin, with all packs, those still to be trained, and how many trials diverged before."""
        self.num_trials = sum(len(pack.trials) for pack in packs)
        self.trials_done = self.num_trials - sum(len(pack.trials) for pack in left)
        self.cost_left = sum(operations_of_pack(pack) for pack in left)
        self.cost_done = 0.0
        self.packs_left, self.any_left = len(left), bool(left)
        self.pack: Pack | None = None
        self.trial_steps = self.pack_steps = 0
        self.diverged, self.failed = diverged, 0
        self.started = self.drawn = time.monotonic()
        if self.trials_done:
            self.stream.write(f"{self.trials_done} of {self.num_trials} trials were finished before\n")

    def begun(self, pack: Pack) -> None:
        """Take note of which pack is trained now."""
        self.pack, self.pack_steps = pack, 0

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
        self.packs_left -= 1
        self.pack = None

    def found_finished(self, pack: Pack) -> None:
        """Take note of a pack that another process has just trained; it does not count for the rate."""
        self.trials_done += len(pack.trials)
        self.cost_left -= operations_of_pack(pack)
        self.packs_left -= 1

    def warn(self, text: str) -> None:
        """Say something that a person should know, once."""
        if text not in self.warned:
            self.warned.add(text)
            self.say(f"warning: {text}")

    def say(self, text: str) -> None:
        """Leave a line of its own standing."""
        self._line(f"{text}\n" if self.live else text)

    @contextmanager
    def aside(self, what: str) -> Iterator[None]:
        """Show what the block does; its time does not count for the rate."""
        began = time.monotonic()
        if self.live:
            self._line(what)
        yield
        self.started += time.monotonic() - began

    def stop(self) -> None:
        """Leave the last line standing."""
        if not self.any_left:
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
        if self.pack is not None:
            now += operations_of_pack(self.pack) * min(1.0, self.pack_steps / self.pack.trial_steps)
        if not self.packs_left:
            parts.append(f"in {duration(elapsed)}")
        elif now:
            parts.append(f"{duration(elapsed * (self.cost_left - now) / now)} left")
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
