"""What a kernel would read as other numbers than it holds is refused by its name."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import Parameter, buffer
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.fisher_yates import permutation_program
from pipeline.engines.cpu.kernels.forward import forward_program
from pipeline.engines.cpu.kernels.hessian_lanczos import lanczos_program
from pipeline.engines.cpu.kernels.householder_qr import triangular_program
from pipeline.engines.cpu.kernels.linear import LinearSpec
from pipeline.engines.cpu.kernels.network import NetworkSpec
from pipeline.engines.cpu.kernels.node_step import node_training
from pipeline.engines.cpu.kernels.prefix_sums import prefix_sum_gradient, prefix_sum_training
from pipeline.engines.cpu.kernels.sorted_units import sorted_unit_training
from pipeline.engines.cpu.kernels.sturm_counts import singular_values_program
from pipeline.engines.cpu.kernels.training import chunk_program, gradient_program, training_program, update_program
from pipeline.engines.cpu.kernels.unit_places import OneInputSpec
from pipeline.models.activations import Relu, Tanh
from pipeline.optimizers.rules import Adam
from pipeline.problems.losses import HalfMeanSquare


def doubled(dtype="float32"):
    p = Program(dtype)
    rates, count = p.array_parameter("rates", "count"), p.int_parameter("count")
    with p.loop(count) as n:
        rates.store(n, rates.load(n) * 2.0)
    return Kernel(p)


@pytest.mark.parametrize(
    ("given", "error", "what"),
    [
        (np.zeros(3), TypeError, "rates: an array of float64, where the kernel takes float32"),
        (torch.zeros(3, dtype=torch.float64), TypeError, "rates: an array of float64, where the kernel takes float32"),
        (torch.zeros(3, dtype=torch.float16), TypeError, "rates: an array of torch.float16, where the kernel"),
        (np.zeros(3, ">f4"), TypeError, "rates: an array of >f4, where the kernel takes float32"),
        (np.zeros(3, int), TypeError, "rates: an array of int64, where the kernel takes float32"),
        (buffer(np.zeros(3)), TypeError, "rates: an array of float64, where the kernel takes float32"),
        pytest.param(4096, TypeError, "rates: a number, where the kernel takes an array of float32", id="an address"),
        (np.zeros(2, np.float32), ValueError, "rates: an array of length 2, where the kernel takes 3"),
        (np.zeros((3, 2), np.float32)[:, 0], ValueError, "rates: its numbers do not lie one after another"),
        (torch.zeros(3, 2)[:, 0], ValueError, "rates: its numbers do not lie one after another"),
    ],
)
def test_an_array_that_is_not_what_a_kernel_takes_is_refused(given, error, what):
    with pytest.raises(error, match=f"^{what}"):
        doubled().bind_all({"rates": given, "count": 3})


def test_an_array_is_no_integer():
    with pytest.raises(TypeError, match=r"^count: an array, where the kernel takes an integer$"):
        doubled().bind_all({"rates": np.zeros(3, np.float32), "count": np.zeros(1)})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, buffer])
def test_an_array_of_the_right_type_is_taken_in_every_form(dtype, kind):
    numbers = np.arange(4.0).astype(dtype)
    doubled(dtype)({"rates": kind(numbers), "count": 3})
    assert numbers.tolist() == [0, 2, 4, 3]


def test_integers_may_be_bits_without_a_sign():
    for dtype in (np.int64, np.uint64):
        assert Parameter("keys", "int64", (2, "count")).checked({"keys": np.zeros(4, dtype), "count": 2}) != 0


def test_a_call_keeps_its_arrays_and_may_be_given_another_integer():
    numbers = np.ones(4, np.float32)
    call = doubled().bind_all({"rates": numbers, "count": 1})
    call()
    call.with_integer("count", 2)()
    assert numbers.tolist() == [4, 2, 1, 1]


def test_an_argument_that_is_missing_is_named():
    with pytest.raises(TypeError, match=r"^rates: missing, where the kernel takes an array of float32$"):
        doubled().bind_all({"count": 1})
    with pytest.raises(TypeError, match=r"^count: missing, where the kernel takes an integer$"):
        doubled().bind_all({"rates": np.zeros(3, np.float32)})


def test_arguments_that_a_kernel_does_not_take_are_passed_over():
    numbers = np.ones(1, np.float32)
    doubled()({"rates": numbers, "count": 1, "weights": np.zeros(3)})
    assert numbers.tolist() == [2]


def test_lengths_may_be_bound_before_the_array():
    bound = doubled().bind({"count": 3})
    with pytest.raises(ValueError, match=r"^rates: an array of length 2, where the kernel takes 3$"):
        bound.bind_all({"rates": np.zeros(2, np.float32)})


NETWORK = NetworkSpec(2, 1, Tanh(), HalfMeanSquare(), "float32")
NODES = NetworkSpec(1, 1, Tanh(), HalfMeanSquare(), "float32")
ONE_INPUT = OneInputSpec(1, Relu(), HalfMeanSquare(), "float32")
SPECS = {"network": NETWORK, "linear": LinearSpec(1, HalfMeanSquare(), "float32")}
FAMILIES = {
    **{f"gradient of a {kind}": lambda spec=spec: gradient_program(spec) for kind, spec in SPECS.items()},
    **{
        f"training of a {kind}, {batches}": lambda spec=spec, batches=batches: training_program(
            spec, Adam(), minibatches=batches == "in minibatches"
        )
        for kind, spec in SPECS.items()
        for batches in ("on all points", "in minibatches")
    },
    "chunk": lambda: chunk_program(NETWORK),
    "update": lambda: update_program(NETWORK, Adam()),
    "forward": lambda: forward_program(NETWORK, features=True),
    "lanczos": lambda: lanczos_program(NETWORK),
    "gradient by prefix sums": lambda: prefix_sum_gradient(ONE_INPUT),
    "training by prefix sums": lambda: prefix_sum_training(ONE_INPUT, Adam()),
    "training by sorted units": lambda: sorted_unit_training(ONE_INPUT, Adam()),
    "training on Chebyshev nodes": lambda: node_training(NODES, Adam()),
    "qr": triangular_program,
    "singular values": singular_values_program,
    "permutations": permutation_program,
}
OTHER = {"float32": np.float64, "float64": np.float32, "int64": np.float64}
"""A dtype for each that a kernel would misread."""


@pytest.mark.parametrize("family", FAMILIES)
def test_every_array_of_another_dtype_is_refused_by_its_name(family):
    """Above all learning rates in float64, which a kernel in float32 would read as other rates without an error."""
    arrays = [parameter for parameter in FAMILIES[family]().parameters if parameter.dtype is not None]
    assert arrays
    if family.startswith(("training", "update")):
        assert "rates" in {parameter.name for parameter in arrays}
    for parameter in arrays:
        given = OTHER[parameter.dtype]
        message = f"^{parameter.name}: an array of {np.dtype(given)}, where the kernel takes {parameter.dtype}$"
        with pytest.raises(TypeError, match=message):
            parameter.checked({parameter.name: np.zeros(1, given)})


@pytest.mark.parametrize("family", FAMILIES)
def test_no_name_is_two_parameters_with_one_shape(family):
    """The same array may be taken twice, but never as another one."""
    parameters = FAMILIES[family]().parameters
    assert len({parameter.name for parameter in parameters}) == len(set(parameters))
