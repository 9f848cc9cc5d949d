"""Stretches: how many updates are made in one call before anything is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from torch.utils.data import IterableDataset

OPERATIONS_OF_STRETCH = 10_000_000_000
"""Floating-point operations of a stretch at most: about a second on two cores, so that progress shows."""
STEPS_OF_STRETCH = 10_000
"""Updates of a stretch at most: those of tiny packs take about 30 us each, whatever they compute."""


class Stretch(NamedTuple):
    """Updates ``first + 1`` to ``last``."""

    first: int
    last: int


def stretches(recorded_steps: Sequence[int], operations_of_step: int) -> tuple[Stretch, ...]:
    """Cut the steps of a training at the recorded ones, and wherever a piece would take long."""
    longest = max(1, min(STEPS_OF_STRETCH, OPERATIONS_OF_STRETCH // max(1, operations_of_step)))
    cut, start = [], 0
    for stop in recorded_steps:
        while start < stop:
            last = min(start + longest, stop)
            cut.append(Stretch(start, last))
            start = last
    return tuple(cut)


class StretchesLeft(IterableDataset[Stretch]):
    """The stretches that a training has not done yet; what Lightning takes for batches."""

    def __init__(self, every: Sequence[Stretch], steps_done: Callable[[], int]) -> None:
        self.every, self.steps_done = every, steps_done

    def __iter__(self) -> Iterator[Stretch]:
        done = self.steps_done()
        return iter([stretch for stretch in self.every if stretch.last > done])
