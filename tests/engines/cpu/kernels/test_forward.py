"""The forward pass takes weights and points, but no rates; it keeps a row of each hidden unit or output."""

import pytest

from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.forward import ForwardPass, forward_program
from pipeline.engines.cpu.kernels.network import MOST_SUMS_OF_LANES, NetworkSpec
from pipeline.models.activations import Tanh
from pipeline.problems.losses import HalfMeanSquare

SPEC = NetworkSpec(2, 3, Tanh(), HalfMeanSquare(), "float32")


def test_features_and_outputs_take_the_same_arguments():
    features, outputs = (forward_program(SPEC, features=kept).parameters for kept in (True, False))
    assert features == outputs
    names = {parameter.name for parameter in features}
    assert {"weights", "kept", "kept_stride", "kept_of_trial"} <= names
    assert not {"rates", "gradient", "losses"} & names


def test_what_is_kept_is_as_long_as_the_trials():
    kept = next(each for each in forward_program(SPEC, features=True).parameters if each.name == "kept")
    assert (kept.dtype, kept.sizes) == ("float32", ("num_trials", "kept_of_trial"))


@pytest.mark.parametrize("num_inputs", [1, MOST_SUMS_OF_LANES + 1])
def test_lanes_are_points_whatever_the_number_of_inputs(num_inputs):
    spec = NetworkSpec(num_inputs, 1, Tanh(), HalfMeanSquare(), "float32")
    assert not ForwardPass(Program("float32"), spec).inputs_in_lanes
