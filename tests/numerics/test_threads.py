"""Chunks of a pack get a core each, and what is found in one does not depend on how many cores there are."""

import threading

import pytest
import torch

from pipeline.numerics.randomness import stream
from pipeline.numerics.threads import on_cores, share_out, threads_of_operation


def test_singular_values_found_in_a_lane_are_those_found_outside_bit_for_bit():
    matrices = torch.from_numpy(stream("lanes").standard_normal((20, 33, 33)))
    with threads_of_operation(1):
        here = torch.linalg.svdvals(matrices)
        found = on_cores(torch.linalg.svdvals, [matrices] * 4, most_threads=2)
    assert all(torch.equal(there, here) for there in found)


def met(meeting: threading.Barrier) -> int:
    """Threads of an operation, asked once two threads are at work."""
    meeting.wait()
    return torch.get_num_threads()


def test_an_operation_uses_as_many_threads_as_was_said_and_afterwards_as_many_as_before():
    before = torch.get_num_threads()
    for number in (before + 1, before + 2):
        with threads_of_operation(number):
            asked = on_cores(met, [threading.Barrier(2)] * 2, most_threads=2)
        assert asked == [number, number]
    assert torch.get_num_threads() == before


def test_what_is_found_is_in_the_order_of_the_items_and_work_may_share_out_work():
    def sums(number):
        return sum(on_cores(lambda other: number * other, range(5), most_threads=3))

    assert on_cores(sums, range(20), most_threads=4) == [10 * number for number in range(20)]
    assert on_cores(sums, [], most_threads=4) == []


def test_an_error_in_any_thread_is_raised_here():
    with pytest.raises(ZeroDivisionError, match="by zero"):
        on_cores(lambda number: 1 // (number - 7), range(8), most_threads=2)
    assert on_cores(lambda number: number, range(3), most_threads=2) == [0, 1, 2]


@pytest.mark.parametrize("num_trials, together, most_parts", [(0, 4, 8), (1, 4, 8), (10, 4, 8), (64, 8, 3), (7, 1, 1)])
def test_trials_are_shared_out_once_each_and_none_of_a_group_alone(num_trials, together, most_parts):
    parts = []
    share_out(lambda own, first, last: parts.append((first, last)), ["a", "b"], num_trials, together=together,
              most_parts=most_parts)  # fmt: skip
    assert sorted(trial for first, last in parts for trial in range(first, last)) == list(range(num_trials))
    assert len(parts) <= most_parts
    assert all(first % together == 0 for first, _ in parts)
