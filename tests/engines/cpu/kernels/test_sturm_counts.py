"""Bisection by Sturm counts finds each value of a matrix, single and repeated, within the distance of two numbers."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.sturm_counts import biased_exponent, half_way, power_of_two
from pipeline.engines.cpu.singular_values import singular_values


@pytest.mark.parametrize(
    "values", [[1.0], [3.0, 2.0, 1.0], [2.0, 2.0, 2.0, 2.0], [1.0, 1e-3, 1e-6, 1e-9], [5.0, 5.0, 1.0, 0.0]]
)
def test_values_of_a_diagonal_matrix_are_its_entries(values):
    found = singular_values(torch.diag(torch.tensor(values, dtype=torch.float64))[None])[0]
    np.testing.assert_allclose(found, values, atol=2**-52 * values[0])


def test_half_way_is_in_the_middle_of_the_numbers_between_two_powers_of_two():
    p = Program("float64")
    ends, found = p.array_parameter("ends"), p.array_parameter("found")
    found.store(0, half_way(p, ends.load(0, p.lanes), ends.load(p.lanes, p.lanes)))
    low, high, middle = 2.0**-20 * np.ones(p.lanes), np.ones(p.lanes), np.zeros(p.lanes)
    Kernel(p)({"ends": np.concatenate([low, high]), "found": middle})
    assert middle.tolist() == [2.0**-10] * p.lanes


def test_exponents_and_powers_of_two_undo_each_other():
    p = Program("float64")
    x, found = p.array_parameter("x"), p.array_parameter("found")
    found.store(0, power_of_two(p, biased_exponent(p, x.load(0, p.lanes))))
    given, powers = np.geomspace(1e-300, 1e300, p.lanes), np.zeros(p.lanes)
    Kernel(p)({"x": given, "found": powers})
    assert powers.tolist() == (2.0 ** np.floor(np.log2(given))).tolist()
