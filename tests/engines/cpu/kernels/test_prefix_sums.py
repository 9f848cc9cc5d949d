"""What a kernel of prefix sums takes: blocks of as many trials as lanes, in double precision whatever is stored."""

import pytest

from pipeline.engines.cpu.kernels.prefix_sums import prefix_sum_gradient, prefix_sum_sizes, prefix_sum_training
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.models.activations import Relu
from pipeline.optimizers.rules import Adam, GradientDescent
from pipeline.problems.losses import HalfMeanSquare


def spec(activation, num_outputs=1, dtype="float32"):
    return OneInputSpec(num_outputs, activation, HalfMeanSquare(), dtype)


def test_sums_are_kept_before_every_point_and_after_the_last():
    assert prefix_sum_sizes(spec(Relu(), 3), 10, 8) == {"changes": 11 * 2 * 3 * 8, "prefixes": 11 * 2 * 3 * 8}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_are_blocks_of_trials_in_double_precision(dtype):
    program = prefix_sum_training(spec(Relu(), dtype=dtype), Adam())
    taken = {parameter.name: parameter for parameter in program.parameters}
    assert {taken[name].dtype for name in ("weights", "slot_0", "slot_1", "rates", "bounds")} == {"float64"}
    assert taken["rates"].sizes == ("num_blocks", program.lanes)
    assert taken["weights"].sizes == taken["slot_1"].sizes == ("num_blocks", "num_weights", program.lanes)


def test_a_gradient_takes_no_rates_and_a_rule_its_slots_alone():
    assert "rates" not in {parameter.name for parameter in prefix_sum_gradient(spec(Relu())).parameters}
    names = {parameter.name for parameter in prefix_sum_training(spec(Relu()), GradientDescent()).parameters}
    assert not any(name.startswith("slot_") for name in names)
