"""Two diagonals are what is left of a matrix, and its singular values are theirs."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen.buffers import aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.simd import Program
from pipeline.engines.cpu.kernels.bidiagonal import Bidiagonalisation
from pipeline.engines.cpu.singular_values import FLOAT64_LANES, buffer_sizes
from pipeline.numerics.randomness import stream


def bidiagonal(matrix):
    """The matrix B with the singular values of a square matrix."""
    p = Program("float64")
    Bidiagonalisation(p).reduce()
    size = len(matrix)
    arrays = {name: aligned_zeros(length, "float64") for name, length in buffer_sizes(size, size).items()}
    rows = round_up(size, FLOAT64_LANES)
    arrays["matrix"][: size * rows].reshape(size, rows)[:, :size] = matrix.T
    Kernel(p)(arrays | {"padded_rows": rows, "num_columns": size})
    return np.diag(arrays["diagonal"][:size]) + np.diag(arrays["off_diagonal"][1:size], 1)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 13])
def test_singular_values_are_kept(size):
    matrix = stream("bidiagonal", size).standard_normal((size, size))
    values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(np.linalg.svd(bidiagonal(matrix), compute_uv=False), values, atol=1e-14 * values[0])


def test_a_matrix_of_two_diagonals_keeps_their_sizes():
    matrix = np.diag([4.0, 3.0, 2.0, 1.0]) + np.diag([0.5, 0.25, 0.125], 1)
    np.testing.assert_allclose(np.abs(bidiagonal(matrix)), matrix, atol=1e-15)
