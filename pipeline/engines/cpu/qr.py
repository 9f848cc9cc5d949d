"""QR decomposition of many tall matrices, of which only the triangular factor is wanted, by a kernel."""

from __future__ import annotations

import functools

from torch import Tensor

from pipeline.engines.cpu.codegen.buffers import aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.simd import BITS
from pipeline.engines.cpu.kernels.householder_qr import triangular_program
from pipeline.numerics import spectra

MOST_COLUMNS = 256
"""Columns up to which it is faster than LAPACK, whose blocks pay where there are more. Measured on one core, in us a
matrix, here and there: 256 x 65: 60 and 173; 300 x 129: 213 and 456; 600 x 201: 1084 and 1797; 1437 x 257: 5442 and
6271.
"""
FLOAT64_LANES = REGISTER_BITS // BITS["float64"]


@functools.cache
def triangular_kernel() -> Kernel:
    """The compiled QR decomposition, of matrices of any size."""
    return Kernel(triangular_program())


def triangular_factors(matrices_TPF: Tensor) -> Tensor:
    """The factor R of ``A = Q R`` of each matrix, with any signs on its diagonal.

    Several threads may call it at the same time; a factor does not depend on the matrices beside it.

    Args:
        matrices_TPF: Float64, with at least as many rows as columns; columns that lie together are not copied.

    Returns:
        Upper triangular matrices, shape ``[T, F, F]``.
    """
    num_matrices, num_rows, num_columns = matrices_TPF.shape
    if num_columns > MOST_COLUMNS:
        return spectra.triangular_factors(matrices_TPF)
    columns_TFP = matrices_TPF.mT.contiguous()  # a reflection goes down columns, a register of rows at a time
    factors_TFF = columns_TFP.new_empty(num_matrices, num_columns, num_columns)
    padded_rows = round_up(num_rows, FLOAT64_LANES)
    scratch = aligned_zeros((num_columns + 2) * padded_rows, "float64")
    matrix, first, second = (scratch[start * padded_rows :] for start in (0, num_columns, num_columns + 1))
    triangular_kernel()(
        {
            "given": columns_TFP,
            "factors": factors_TFF,
            "num_matrices": num_matrices,
            "num_rows": num_rows,
            "padded_rows": padded_rows,
            "num_columns": num_columns,
            "matrix": matrix,
            "first": first,
            "second": second,
        }
    )
    return factors_TFF.mT
