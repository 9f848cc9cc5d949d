"""Units act where ``a x + c`` is more than zero, and their places are found wherever they were before."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec, UnitPlaces
from pipeline.engines.cpu.lane_blocks import LANES
from pipeline.models.activations import Identity, LeakyRelu, Relu
from pipeline.models.shallow import Shallow
from pipeline.problems.losses import HalfMeanSquare


def spec(activation, num_outputs=1):
    return OneInputSpec(num_outputs, activation, HalfMeanSquare(), "float64")


@pytest.mark.parametrize(("activation", "slope"), [(Relu(), 0.0), (LeakyRelu(0.2), 0.2), (Identity(), 1.0)])
def test_the_slope_below_zero_is_that_of_the_activation(activation, slope):
    assert spec(activation).below == slope


@pytest.mark.parametrize("num_outputs", [1, 3])
def test_weights_are_those_of_a_network_of_one_input(num_outputs):
    assert spec(Relu(), num_outputs).num_weights(7) == Shallow().num_weights(7, 1, num_outputs)


def found_places(x_P, weights_NL, before_WL):
    """Places by bisection, and from where they are said to have been before."""
    p = Program("float64")
    units = UnitPlaces(p, spec(Relu()))
    moved = p.array_parameter("moved", integers=True)
    before = p.array_parameter("before", integers=True)
    units.find_places(p.int_constant(0))
    with p.loop(units.width) as unit:
        moved.store(unit * p.lanes, units.settled(*units.hidden(unit), before.load(unit * p.lanes, p.lanes)))
    told = {"places": np.zeros_like(before_WL), "moved": np.zeros_like(before_WL), "before": before_WL}
    sizes = {"width": len(before_WL), "num_points": len(x_P), "num_weights": len(weights_NL), "num_blocks": 1}
    Kernel(p)({**told, **sizes, "halvings": len(x_P).bit_length(), "inputs": x_P, "weights": weights_NL})
    return told["places"], told["moved"]


@pytest.mark.parametrize("num_points", [1, 2, 7, 64])
def test_places_are_those_of_looking_at_every_point(num_points):
    rng, width = np.random.default_rng(num_points), 13
    x_P = np.sort(np.round(rng.uniform(-1, 1, num_points), 1))
    weights_NL = rng.standard_normal((3 * width + 1, LANES))
    weights_NL[:6, 0] = [0, 1, 0, -1, 0, 0]
    before_WL = rng.integers(0, num_points + 1, (width, LANES))
    by_halving, from_before = found_places(x_P, weights_NL, before_WL)
    a_WL, c_WL = weights_NL[: 2 * width : 2], weights_NL[1 : 2 * width : 2]
    acts_PWL = a_WL * x_P[:, None, None] + c_WL > 0
    begun_PWL = acts_PWL ^ (a_WL < 0)
    np.testing.assert_array_equal(by_halving, num_points - begun_PWL.sum(axis=0))
    np.testing.assert_array_equal(from_before, by_halving)
