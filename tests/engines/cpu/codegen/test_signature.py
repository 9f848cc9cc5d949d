"""What a kernel would read as other numbers than it holds is refused by its name."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.signature import Parameter, buffer
from pipeline.engines.cpu.codegen.simd import Program


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
