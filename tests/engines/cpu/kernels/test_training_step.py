"""Parts of a training step: sums in the order of their summands, and specs that are kernels' names."""

import numpy as np

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.linear import LinearSpec
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.training_step import plus_products
from pipeline.models.activations import Tanh
from pipeline.problems.losses import HalfMeanSquare


def test_products_are_added_from_left_to_right_each_rounded_once():
    p = Program("float64")
    x, found = p.array_parameter("x"), p.array_parameter("found")
    a = [x.load(n) for n in range(3)]
    found.store(0, plus_products(p, p.constant(1.0), a, [p.constant(1.0)] * 3))
    given, sums = np.array([1e16, -1e16, 1.0]), np.zeros(1)
    Kernel(p)({"x": given, "found": sums})
    assert sums[0] == 1.0  # the first 1 is lost in 1e16, the last is not


def test_a_step_on_all_points_and_one_on_a_batch_take_points_by_other_names():
    spec = NetworkSpec(2, 1, Tanh(), HalfMeanSquare(), "float32")
    names = {}
    for of in ("all", "batch"):
        p = Program("float32")
        spec.step(p, of)
        names[of] = {parameter.name for parameter in p.parameters}
    assert {name.removeprefix("all_") for name in names["all"]} == {
        name.removeprefix("batch_") for name in names["batch"]
    }
    shared = names["all"] & names["batch"]
    assert {"own_weights", "own_gradient", "width", "row", "size"} <= shared
    assert not any(name.startswith(("all_", "batch_")) for name in shared)


def test_inputs_are_as_long_as_their_rows():
    sizes = {}
    for spec in (NetworkSpec(3, 1, Tanh(), HalfMeanSquare(), "float32"), LinearSpec(1, HalfMeanSquare(), "float32")):
        p = Program("float32")
        spec.step(p, "all")
        sizes[type(spec)] = next(each.sizes for each in p.parameters if each.name == "all_inputs")
    assert sizes == {NetworkSpec: ("all_stride", 3), LinearSpec: ("all_stride", "width")}


def test_a_spec_alone_works_on_one_trial_at_a_time():
    spec = NetworkSpec(2, 1, Tanh(), HalfMeanSquare(), "float32")
    assert spec.together == 1
    assert spec.grouped is spec
    assert spec.multiple_in_points(8) == 1
