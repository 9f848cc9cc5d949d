"""Trials lie in lanes and points in their order, and both come back as they were."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.lane_blocks import LANES, advance_in_lanes, blocks, lanes_of_block, rows, sorted_points
from pipeline.engines.engine import Stack


def test_blocks_are_rows_of_trials_in_lanes_and_back():
    rows_TN = torch.arange(6.0 * (LANES + 1)).view(LANES + 1, 6)
    blocks_BNL = blocks(rows_TN)
    assert blocks_BNL.shape == (2, 6, LANES)
    assert blocks_BNL[1, 2].tolist() == [rows_TN[LANES, 2]] * LANES
    assert torch.equal(rows(blocks_BNL, LANES + 1).float(), rows_TN)


def test_blocks_of_few_trials_have_the_least_power_of_two_of_lanes_that_holds_them_and_two_at_least():
    for num_trials in range(1, 3 * LANES):
        lanes = lanes_of_block(num_trials)
        assert lanes == min(LANES, next(2**power for power in range(1, 10) if 2**power >= num_trials))
        assert blocks(torch.ones(num_trials, 3), lanes=lanes).shape == (-(-num_trials // lanes), 3, lanes)


def test_of_float32_twice_as_many_trials_lie_in_a_block():
    rows_TN = torch.arange(3.0 * (2 * LANES + 1)).view(-1, 3)
    blocks_BNL = blocks(rows_TN, torch.float32)
    assert blocks_BNL.dtype == np.float32
    assert blocks_BNL.shape == (2, 3, 2 * LANES)
    assert torch.equal(rows(blocks_BNL, len(rows_TN)), rows_TN)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_updates_reach_every_trial_of_a_stack_and_no_lane_beyond(dtype):
    """A kernel that adds the rate of its lane to each weight, and says of each trial that it ended at step 2."""
    p = Program(dtype)
    num_blocks, num_weights = p.int_parameter("num_blocks"), p.int_parameter("num_weights")
    weights = p.array_parameter("weights", "num_blocks", "num_weights", p.lanes)
    rates, bounds = (p.array_parameter(name, "num_blocks", p.lanes) for name in ("rates", "bounds"))
    diverged = p.array_parameter("diverged", "num_blocks", p.lanes, integers=True)
    with p.loop(num_blocks) as block:
        first = block * p.lanes
        alive = bounds.load(first, p.lanes) > 0.0
        with p.loop(num_weights) as number:
            place = (block * num_weights + number) * p.lanes
            more = p.select(alive, rates.load(first, p.lanes), float("nan"))
            weights.store(place, weights.load(place, p.lanes) + more)
        diverged.store(first, p.broadcast(p.int_constant(2), p.lanes))
    num_trials = p.lanes + 1
    real = torch.float32 if dtype == "float32" else torch.float64
    rates_T1 = torch.arange(num_trials, dtype=real)[:, None]
    stack = Stack(("",) * num_trials, torch.ones(num_trials, 3, dtype=real), (), rates_T1, torch.ones(num_trials))
    found_T = advance_in_lanes(Kernel(p).bind({"num_weights": 3}), stack, np.ones((5, 2), dtype))
    assert found_T.tolist() == [2] * num_trials
    assert torch.equal(stack.weights_TN, (1 + rates_T1).expand(-1, 3))


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
