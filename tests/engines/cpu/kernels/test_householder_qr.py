"""The factor of a matrix is LAPACK's up to signs, with zeros below its diagonal."""

import numpy as np
import pytest
import torch

from pipeline.engines.cpu.kernels.householder_qr import triangular_program
from pipeline.engines.cpu.qr import triangular_factors, triangular_kernel
from pipeline.numerics.randomness import stream


@pytest.mark.parametrize("shape", [(5, 1), (9, 2), (20, 7)])
def test_factor_is_that_of_lapack_up_to_signs(shape):
    matrix = stream("qr", *shape).standard_normal(shape)
    (factor,) = triangular_factors(torch.from_numpy(matrix)[None]).numpy()
    np.testing.assert_allclose(np.abs(factor), np.abs(np.linalg.qr(matrix).R), rtol=1e-12, atol=1e-13)
    assert not np.tril(factor, -1).any()


def test_one_kernel_serves_every_size():
    names = [parameter.name for parameter in triangular_program().parameters]
    assert {"num_rows", "num_columns", "padded_rows", "num_matrices"} <= set(names)
    assert triangular_kernel() is triangular_kernel()
