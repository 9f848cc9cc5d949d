"""Units are in the order of their places in each lane, equal ones as they were, and so are their weights."""

import numpy as np

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.unit_order import UnitOrder, order_sizes
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec, UnitPlaces
from pipeline.engines.cpu.lane_blocks import LANES
from pipeline.models.activations import Relu
from pipeline.problems.losses import HalfMeanSquare

WIDTH, POINTS, OUTPUTS = 12, 6, 2


def test_units_and_their_weights_are_in_the_order_of_their_places():
    p = Program("float64")
    units = UnitPlaces(p, OneInputSpec(OUTPUTS, Relu(), HalfMeanSquare(), "float64"))
    order, taken = UnitOrder(units), p.array_parameter("taken")
    order.sort()
    for place, own in order.of_weights():
        taken.store(place * p.lanes, p.gather(units.all_weights, own * p.lanes + units.lane))
    rng, num_weights = np.random.default_rng(2), 2 * WIDTH + OUTPUTS * (WIDTH + 1)
    told = {name: np.zeros(size, dtype=np.int64) for name, size in order_sizes(WIDTH, POINTS, LANES).items()}
    told["places"] = rng.integers(0, POINTS + 1, (WIDTH, LANES))
    weights_NL, taken_NL = rng.standard_normal((num_weights, LANES)), np.zeros((num_weights, LANES))
    numbers = {"width": WIDTH, "num_points": POINTS, "num_weights": num_weights, "halvings": 3, "num_blocks": 1}
    Kernel(p)({**told, **numbers, "inputs": np.zeros(POINTS), "weights": weights_NL, "taken": taken_NL})
    expected_WL = np.argsort(told["places"], axis=0, kind="stable")
    np.testing.assert_array_equal(told["order"].reshape(WIDTH, LANES), expected_WL)
    for lane in range(LANES):
        own_W = expected_WL[:, lane]
        hidden_W2 = weights_NL[: 2 * WIDTH, lane].reshape(WIDTH, 2)[own_W]
        outputs_KF = weights_NL[2 * WIDTH :, lane].reshape(OUTPUTS, WIDTH + 1)[:, [*own_W, WIDTH]]
        np.testing.assert_array_equal(taken_NL[:, lane], [*hidden_W2.ravel(), *outputs_KF.ravel()])
