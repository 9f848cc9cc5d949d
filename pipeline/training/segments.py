"""Segments of a training: the steps between two looks at it, made in one call of the engine."""

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
    """Partition the steps of a training at the recorded ones, and wherever a segment would take long.

    Args:
        recorded_steps: In ascending order; the last one ends the training.
        operations_of_step: Floating-point operations of one update of all trials.

    Returns:
        Segments from step 0 on, each of which begins where the one before it ends.
    """
    longest = max(1, min(MOST_STEPS, MOST_OPERATIONS // max(1, operations_of_step)))
    partition, start = [], 0
    for stop in recorded_steps:
        while start < stop:
            last = min(start + longest, stop)
            partition.append(Segment(start, last))
            start = last
    return tuple(partition)


class RemainingSegments(IterableDataset[Segment]):
    """The segments that are not trained yet: the data set whose batches Lightning trains on.

    Args:
        partition: All segments of the training.
        steps_done: Returns the steps done. It is called when Lightning begins, which is after it has restored a
            checkpoint.
    """

    def __init__(self, partition: Sequence[Segment], steps_done: Callable[[], int]) -> None:
        self.partition, self.steps_done = partition, steps_done

    def __iter__(self) -> Iterator[Segment]:
        done = self.steps_done()
        return iter([segment for segment in self.partition if segment.last > done])
