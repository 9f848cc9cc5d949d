"""The arrays that a core works in lie side by side in one aligned piece of memory, each as long as its kernel needs."""

import pytest

from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.kernels.linear import LinearSpec
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.scratch import Scratch
from pipeline.models.activations import Tanh
from pipeline.problems.losses import HalfMeanSquare

SPECS = [NetworkSpec(2, 3, Tanh(), HalfMeanSquare(), "float32"), LinearSpec(1, HalfMeanSquare(), "float64").grouped]


@pytest.mark.parametrize("spec", SPECS, ids=["network", "linear"])
def test_arrays_share_one_piece_of_memory_and_none_of_its_numbers(spec):
    scratch = Scratch(spec, 5, 8, slots=2, batch=16, chunks=3)
    assert scratch.memory.ctypes.data % (REGISTER_BITS // 8) == 0
    assert sum(len(array) for array in scratch.arrays.values()) == len(scratch.memory)
    for number, array in enumerate(scratch.arrays.values(), 1):
        array += number
    assert all((array == number).all() for number, array in enumerate(scratch.arrays.values(), 1))


@pytest.mark.parametrize("spec", SPECS, ids=["network", "linear"])
def test_rows_have_room_for_every_trial_slot_and_chunk(spec):
    scratch = Scratch(spec, 5, 8, slots=2, batch=16, chunks=3)
    rows = spec.together * spec.size(5, 8)
    lengths = {name: argument.length for name, argument in scratch.arguments.items()}
    assert lengths["own_weights"] == lengths["own_slot_0"] == lengths["own_slot_1"] == rows
    assert lengths["own_gradient"] == 3 * rows
    assert lengths["batch_targets"] == 16 * spec.num_outputs
    assert {argument.dtype for argument in scratch.arguments.values()} == {spec.dtype}
