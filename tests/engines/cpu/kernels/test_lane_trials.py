"""A trial in a lane trains until its loss is out of bounds, and the update at which that was seen is kept."""

import numpy as np

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.lane_trials import LaneTrials


def test_a_lane_stops_at_its_first_loss_out_of_bounds_and_no_later_loss_brings_it_back():
    p = Program("float64")
    num_blocks, num_steps = p.int_parameter("num_blocks"), p.int_parameter("num_steps")
    losses, moved = p.array_parameter("losses"), p.array_parameter("moved")
    trials = LaneTrials(p)
    with p.loop(num_blocks) as block:
        trials.begin(block)
        with p.loop(num_steps) as number:
            fine = trials.within_bounds(number, losses.load((block * num_steps + number) * p.lanes, p.lanes))
            rate, second = trials.factors(number)
            before = moved.load(block * p.lanes, p.lanes)
            moved.store(block * p.lanes, p.select(fine, before + rate * second, before))
    blocks, steps, lanes = 2, 3, p.lanes
    losses_BHL = np.full((blocks, steps, lanes), 1.0)
    losses_BHL[0, 1, 0] = 2.5  # above its bound once, below it again
    losses_BHL[0, 2, 1] = 2.0  # at its bound, which is not out of it
    losses_BHL[1, 0, 1] = np.nan
    losses_BHL[1, 2, 2 % lanes] = np.inf
    rates_BL = np.arange(1.0, 1 + blocks * lanes).reshape(blocks, lanes)
    corrections_H2 = np.array([[1.0, 10.0], [2.0, 10.0], [3.0, 10.0]])
    moved_BL, diverged_BL = np.zeros((blocks, lanes)), np.full((blocks, lanes), -1)
    Kernel(p)(
        {
            **{"num_blocks": blocks, "num_steps": steps, "losses": losses_BHL, "moved": moved_BL},
            **{"rates": rates_BL, "bounds": np.full((blocks, lanes), 2.0)},
            **{"corrections": corrections_H2, "diverged": diverged_BL},
        }
    )
    within_BHL = np.logical_and.accumulate(losses_BHL <= 2.0, axis=1)
    expected_BL = (within_BHL * rates_BL[:, None] * corrections_H2.prod(axis=1)[:, None]).sum(axis=1)
    np.testing.assert_array_equal(moved_BL, expected_BL)
    first_BL = np.where(within_BHL.all(axis=1), -1, within_BHL.argmin(axis=1))
    np.testing.assert_array_equal(diverged_BL, first_BL)
