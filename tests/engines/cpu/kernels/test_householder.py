"""A Householder reflection leaves one number of a column, its length, and keeps scalar products."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.householder import ColumnMatrix, Reflection


def reflection_of(column):
    """Vector and factor of the reflection of a column, the third of a matrix, and the column that is left."""
    p = Program("float64")
    matrix = ColumnMatrix(p)
    reflection = Reflection(p.array_parameter("vector"), p.variable(p.constant(0.0)))
    factor = p.array_parameter("factor")
    matrix.find(reflection, p.int_parameter("number"), p.int_constant(0))
    factor.store(0, reflection.factor.get())
    columns = np.stack([np.zeros_like(column), np.zeros_like(column), column])
    arrays = {"matrix": columns, "vector": np.zeros_like(column), "factor": np.zeros(1)}
    Kernel(p)(arrays | {"padded_rows": len(column), "num_columns": 3, "number": 2})
    return arrays["vector"], arrays["factor"][0], columns[2]


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_left_of_a_column_is_its_length_with_the_other_sign(sign):
    column = np.random.default_rng(2).standard_normal(16)
    column[2] = sign * 0.7
    vector, factor, left = reflection_of(column)
    reflected = column - factor * vector * (vector @ column)
    expected = column.copy()
    expected[2:] = 0
    expected[2] = -sign * np.linalg.norm(column[2:])
    np.testing.assert_allclose(reflected, expected, atol=1e-15)
    assert left[2] == pytest.approx(expected[2], rel=1e-15)
    assert not vector[:2].any()


def test_a_reflection_is_orthogonal():
    vector, factor, _ = reflection_of(np.random.default_rng(3).standard_normal(16))
    assert factor * (vector @ vector) == pytest.approx(2)


def test_of_a_column_of_zeros_it_is_the_identity():
    _, factor, left = reflection_of(np.zeros(16))
    assert factor == 0
    assert not left.any()
