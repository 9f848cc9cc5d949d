"""Trials lie in lanes and points in their order, and both come back as they were."""

import pytest
import torch

from pipeline.engines.cpu.lane_blocks import LANES, blocks, rows, sorted_points


def test_blocks_are_rows_of_trials_in_lanes_and_back():
    rows_TN = torch.arange(6.0 * (LANES + 1)).view(LANES + 1, 6)
    blocks_BNL = blocks(rows_TN)
    assert blocks_BNL.shape == (2, 6, LANES)
    assert blocks_BNL[1, 2].tolist() == [rows_TN[LANES, 2]] * LANES
    assert torch.equal(rows(blocks_BNL, LANES + 1).float(), rows_TN)


def test_points_are_in_order_and_keep_their_targets():
    targets_PK = torch.tensor([[1.0, 2], [3, 4], [5, 6]]).double()
    told = sorted_points(torch.tensor([0.5, -1.0, 0.0]).double(), targets_PK)
    assert told["inputs"].tolist() == [-1, 0, 0.5]
    assert told["targets"].tolist() == [[3, 5, 1], [4, 6, 2]]
    assert told["point_weight"].tolist() == [pytest.approx(1 / 3)]


@pytest.mark.parametrize("num_points", [1, 2, 3, 4, 7, 8, 1000, 1024])
def test_as_many_halvings_leave_one_place_and_one_less_does_not(num_points):
    """Of places from 0 to ``num_points``, the last of them for a unit that never acts; the larger half may be left."""
    inputs_P = torch.arange(num_points).double()
    halvings = sorted_points(inputs_P, inputs_P[:, None])["halvings"]
    assert num_points >> halvings == 0
    assert num_points >> (halvings - 1) > 0
