"""Chunks of a pack get a core each, and what is found in one does not depend on how many cores there are."""

import pytest
import torch

from pipeline.engines.threads import share_out, threads_of_operation, worker_pool
from pipeline.numerics.randomness import stream


def test_singular_values_found_in_a_lane_are_those_found_outside_bit_for_bit():
    matrices = torch.from_numpy(stream("lanes").standard_normal((20, 33, 33)))
    with threads_of_operation(1):
        here = torch.linalg.svdvals(matrices)
        with worker_pool(2) as pool:
            found = list(pool.map(torch.linalg.svdvals, [matrices] * 4))
    assert all(torch.equal(there, here) for there in found)


def test_an_operation_uses_as_many_threads_as_was_said_and_afterwards_as_many_as_before():
    before = torch.get_num_threads()
    with threads_of_operation(before + 1), worker_pool(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("num_trials, together, most_parts", [(0, 4, 8), (1, 4, 8), (10, 4, 8), (64, 8, 3), (7, 1, 1)])
def test_trials_are_shared_out_once_each_and_none_of_a_group_alone(num_trials, together, most_parts):
    parts = []
    share_out(lambda own, first, last: parts.append((first, last)), ["a", "b"], num_trials, together=together,
              most_parts=most_parts)  # fmt: skip
    assert sorted(trial for first, last in parts for trial in range(first, last)) == list(range(num_trials))
    assert len(parts) <= most_parts
    assert all(first % together == 0 for first, _ in parts)
