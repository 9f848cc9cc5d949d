"""Segments: how many updates are made in one call before anything is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from torch.utils.data import IterableDataset

MOST_OPERATIONS = 10_000_000_000
"""Floating-point operations of a segment at most: about a second on two cores, so that progress shows."""
MOST_STEPS = 10_000
"""Updates of a segment at most: those of tiny packs take about 30 us each, whatever they compute."""


class Segment(NamedTuple):
    """Updates ``first + 1`` to ``last``."""

    first: int
    last: int


def segments(recorded_steps: Sequence[int], operations_of_step: int) -> tuple[Segment, ...]:
    """Cut the steps of a training at the recorded ones, and wherever a piece would take long."""
    longest = max(1, min(MOST_STEPS, MOST_OPERATIONS // max(1, operations_of_step)))
    cut, start = [], 0
    for stop in recorded_steps:
        while start < stop:
            last = min(start + longest, stop)
            cut.append(Segment(start, last))
            start = last
    return tuple(cut)


class RemainingSegments(IterableDataset[Segment]):
    """The segments that a training has not done yet; what Lightning takes for batches."""

    def __init__(self, every: Sequence[Segment], steps_done: Callable[[], int]) -> None:
        self.every, self.steps_done = every, steps_done

    def __iter__(self) -> Iterator[Segment]:
        done = self.steps_done()
        return iter([segment for segment in self.every if segment.last > done])
