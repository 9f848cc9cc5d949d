"""Progress of a run: a bar on a terminal, a line every ten seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column
from rich.text import Text

from pipeline.durations import duration
from pipeline.errors import number_of
from pipeline.experiment.packing import Pack, operations_of_pack

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_REDRAWS = 0.2
BAR_WIDTH = 12
"""Columns of the bar: beside it the sentence, of 66 characters as a rule, fits on a terminal of 80."""


WORK_OF_BEGINNING = 2_000_000_000
"""Operations that take as long as what a pack costs besides its steps: its points, Lightning, its diagnostics. Measured
over twelve experiments: about 0.1 s, at 2e10 operations a second. With it the remaining time of those that took five
seconds or more was right within a factor of two from the first tenth on, without it within four; but for greedy models,
which are chosen before the first step."""


def work_of(pack: Pack) -> int:
    """Work of a whole pack in floating-point operations, what it costs besides its steps included."""
    return WORK_OF_BEGINNING + operations_of_pack(pack)


class TrainingProgress:
    """Counts trials and trial-steps, and estimates the remaining time.

    The rate is that of the trial-steps of this process, so work found finished does not
    flatter it. Trials differ in cost: the remaining time is the elapsed time, times the
    work left over the work done. (The estimate of ``rich`` would count what
    was found finished, and the time of compiling, as work.)

    No thread of ``rich`` redraws it: a subclass may do more in ``draw``, on the thread that trains.

    Args:
        stream: Where it is shown, by default standard error. Only on a terminal that moves its
            cursor, which ``TERM=dumb`` says it does not, is there a bar.
    """

    seconds_between_lines: ClassVar[float] = SECONDS_BETWEEN_LINES

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        # rich by itself takes a log for a terminal where FORCE_COLOR is set, as some CI does.
        console = Console(file=self.stream, force_terminal=self.stream.isatty())
        self.live = console.is_terminal and not console.is_dumb_terminal
        self.console, self.display = console, self._new_display(console)
        self.warned: set[str] = set()

    @staticmethod
    def _new_display(console: Console) -> Progress:
        """One bar with a sentence, which folds on a narrow terminal; what a name spells is no markup."""
        sentence = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))
        display = Progress(
            BarColumn(BAR_WIDTH), sentence, console=console, auto_refresh=False, transient=True,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        display.add_task("", total=None)
        return display

    def start(self, packs: Sequence[Pack], left: Sequence[Pack], *, diverged: int = 0) -> None:
        """Begin to count.

        Args:
            packs: All packs.
            left: Those still to be trained.
            diverged: Trials that diverged before.
        """
        self.num_trials = sum(len(pack.trials) for pack in packs)
        self.trials_done = self.num_trials - sum(len(pack.trials) for pack in left)
        self.cost = sum(work_of(pack) for pack in packs)
        self.cost_left = sum(work_of(pack) for pack in left)
        self.cost_done = 0.0
        self.packs_left, self.any_left = len(left), bool(left)
        self.pack: Pack | None = None
        self.trial_steps = self.pack_steps = 0
        self.diverged, self.failed = diverged, 0
        self.started = self.drawn = time.monotonic()
        if self.trials_done:
            before = number_of(self.trials_done, "trial", "were", whole=self.num_trials)
            self.stream.write(f"{before} finished before\n")

    def start_pack(self, pack: Pack) -> None:
        """Count the steps that follow as those of a pack."""
        self.pack, self.pack_steps = pack, 0

    def advance(self, trial_steps: int) -> None:
        """Count trial-steps of the pack in training, and redraw if that was not done for a while."""
        self.trial_steps += trial_steps
        self.pack_steps += trial_steps
        pause = SECONDS_BETWEEN_REDRAWS if self.live else self.seconds_between_lines
        if time.monotonic() - self.drawn >= pause:
            self.draw()

    def finish_pack(self, pack: Pack, *, diverged: int = 0, failed: int = 0) -> None:
        """Count a pack that has ended.

        Args:
            pack: The pack.
            diverged: How many of its trials diverged.
            failed: How many of them failed.
        """
        self.trials_done += len(pack.trials)
        self.diverged += diverged
        self.failed += failed
        self.cost_done += work_of(pack)
        self.packs_left -= 1
        self.pack = None

    def skip_pack(self, pack: Pack) -> None:
        """Count a pack that another process has just trained; it is left out of the rate."""
        self.trials_done += len(pack.trials)
        self.cost_left -= work_of(pack)
        self.packs_left -= 1

    def warn(self, text: str) -> None:
        """Show a warning, each text once."""
        if text not in self.warned:
            self.warned.add(text)
            self.say(f"warning: {text}")

    def say(self, text: str) -> None:
        """Write a line above the bar, or into the log."""
        if self.live:
            self.console.print(Text(text), soft_wrap=True)
        else:
            self._write_line(text)

    @contextmanager
    def untimed(self, activity: str) -> Iterator[None]:
        """Show an activity that is no training; its time is left out of the rate."""
        began = time.monotonic()
        if self.live:
            self._redraw(activity)
        yield
        self.started += time.monotonic() - began

    def stop(self) -> None:
        """Leave the final sentence, without the bar."""
        if not self.any_left:
            return
        self.draw()
        self.close()

    def close(self) -> None:
        """Take the bar off the terminal, however the training ended; the last sentence stays."""
        if self.display.live.is_started:
            self.display.stop()
            self.say(self.text())

    def draw(self) -> None:
        """Show the state now."""
        self.drawn = time.monotonic()
        if self.live:
            self._redraw(self.text())
        else:
            self._write_line(self.text())

    def text(self) -> str:
        """The state in a sentence: trials done, rate, remaining time, diverged and failed trials."""
        elapsed = time.monotonic() - self.started
        parts = [
            f"{self.trials_done}/{self.num_trials} trials",
            f"{_with_prefix(self.trial_steps / max(elapsed, 1e-9))} trial-steps/s",
        ]
        if not self.packs_left:
            parts.append(f"in {duration(elapsed)}")
        elif left := self.seconds_left():
            parts.append(f"{duration(left)} left")
        parts += [f"{self.diverged} diverged", f"{self.failed} failed"]
        return ", ".join(parts)

    def seconds_left(self) -> float | None:
        """Estimate of the remaining time, seconds; none before anything is done."""
        done = self._work_done()
        return (time.monotonic() - self.started) * (self.cost_left - done) / done if done else None

    def _work_done(self) -> float:
        """Work of this process, the part of the pack in training among them."""
        if self.pack is None:
            return self.cost_done
        return self.cost_done + work_of(self.pack) * min(1.0, self.pack_steps / self.pack.trial_steps)

    def _redraw(self, text: str) -> None:
        completed = self.cost - self.cost_left + self._work_done()
        self.display.update(self.display.task_ids[0], description=text, completed=completed, total=self.cost)
        if self.display.live.is_started:
            self.display.refresh()
        else:
            self.display.start()
            self.console.show_cursor(True)  # rich hides it, and a process that is killed would leave it so

    def _write_line(self, text: str) -> None:
        self.stream.write(f"{text}\n")
        self.stream.flush()


def _with_prefix(number: float) -> str:
    """Three digits of a number with the prefix of its order of magnitude, such as ``12.3 k``."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {prefix}"
    return f"{number:.3g}"
