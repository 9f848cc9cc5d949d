"""The fewest nodes are taken that are enough for the steepest unit."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.node_step import NodeStep, node_buffer_sizes
from pipeline.models.activations import Tanh
from pipeline.problems.losses import HalfMeanSquare

ROW = 16


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("slope, level", [(0.0, 0), (0.5, 0), (-0.5, 0), (0.51, 1), (-2.0, 1), (2.1, 2), (np.inf, 2)])
def test_the_first_level_that_is_enough_is_taken(dtype, slope, level):
    p = Program(dtype)
    step = NodeStep(p, NetworkSpec(1, 1, Tanh(), HalfMeanSquare(), dtype))
    found = p.array_parameter("found", integers=True)
    found.store(0, step.level())
    told = {parameter.name: np.zeros(ROW * 4, dtype) for parameter in p.parameters if parameter.dtype == dtype}
    told["own_weights"][11] = slope
    told["own_weights"][ROW] = 9.0  # of a bias
    told |= {"node_slopes": np.array([0.5, 2], dtype), "found": np.zeros(1, dtype=np.int64)}
    told |= {name: np.zeros(4, dtype=np.int64) for name in ("node_chunks", "node_counts")}
    sizes = {"num_levels": 2, "row": ROW, "size": 3 * ROW, "width": 12, "node_num_chunks": 1, "node_stride": ROW}
    Kernel(p)({**told, **sizes, "node_wide_tiles": 0, "node_narrow_tiles": 0})
    assert told["found"].tolist() == [level]


def test_units_are_kept_at_all_nodes_and_errors_of_all_outputs():
    assert node_buffer_sizes(7, 2, 64) == {"node_hidden": 7 * 64, "node_errors": 2 * 64}
