"""Permutations that a kernel draws are those that numpy draws, bit for bit."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.permutations import permutations
from pipeline.engines.minibatches import Minibatches

TRIALS = ("a", "another", "a third")


@pytest.mark.parametrize("num_points", [1, 2, 3, 4, 5, 8, 9, 31, 33, 128, 1000, 65_537])
def test_permutations_are_those_of_the_minibatches(num_points):
    """Of powers of two no number is too large, of one more nearly half are."""
    epochs = range(3, 3 + max(1, 60 // num_points))
    minibatches = Minibatches(torch.zeros(1, num_points), torch.zeros(1, num_points), 1)
    expected = torch.cat([minibatches.permutations(TRIALS, epoch) for epoch in epochs], dim=1)
    np.testing.assert_array_equal(permutations(TRIALS, epochs, num_points, num_points), expected.numpy())


@pytest.mark.parametrize("kept", [1, 5, 9])
def test_points_of_no_batch_are_left_out(kept):
    whole = permutations(TRIALS, range(4), 10, 10).reshape(len(TRIALS), 4, 10)
    np.testing.assert_array_equal(
        permutations(TRIALS, range(4), 10, kept).reshape(len(TRIALS), 4, kept), whole[:, :, :kept]
    )


def test_no_permutations_are_drawn_of_no_trials():
    assert permutations((), range(2), 10, 9).size == 0
