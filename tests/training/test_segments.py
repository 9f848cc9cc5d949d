"""Segments partition the steps of a training at the recorded ones, and are never long."""

import pytest

from pipeline.training import segments as module
from pipeline.training.segments import RemainingSegments, Segment, segments


def test_segments_end_at_the_recorded_steps():
    assert segments([0, 1, 5], 1) == (Segment(0, 1), Segment(1, 5))


def test_segments_of_much_work_are_short():
    assert segments([10], 4_000_000_000) == tuple(Segment(first, first + 2) for first in range(0, 10, 2))


@pytest.mark.parametrize("operations_of_step", [10**12, 0])
def test_segment_has_a_step_at_least_and_not_too_many(operations_of_step, monkeypatch):
    monkeypatch.setattr(module, "MOST_STEPS", 3)
    lengths = {last - first for first, last in segments([7, 12], operations_of_step)}
    assert lengths == ({1} if operations_of_step else {3, 1, 2})


def test_training_of_no_steps_has_no_segment():
    assert segments([0], 1) == ()


def test_what_remains_is_asked_for_when_it_is_iterated():
    done = 0
    remaining = RemainingSegments(segments([2, 5, 9], 1), lambda: done)
    assert list(remaining) == [Segment(0, 2), Segment(2, 5), Segment(5, 9)]
    done = 5
    assert list(remaining) == [Segment(5, 9)]
