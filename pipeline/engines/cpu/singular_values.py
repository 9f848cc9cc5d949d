"""Singular values of many matrices, by kernels: QR of tall ones, bidiagonalisation, bisection by Sturm counts."""

from __future__ import annotations

import functools
import itertools

import torch
from torch import Tensor

from pipeline.engines.cpu.codegen.buffers import aligned_zeros, round_up
from pipeline.engines.cpu.codegen.compile import Kernel
from pipeline.engines.cpu.codegen.processor import REGISTER_BITS
from pipeline.engines.cpu.codegen.signature import ArgumentValue
from pipeline.engines.cpu.codegen.simd import BITS
from pipeline.engines.cpu.kernels.sturm_counts import REGISTERS_TOGETHER, singular_values_program
from pipeline.engines.cpu.qr import triangular_factors
from pipeline.numerics import spectra

MOST_COLUMNS = 512
"""Columns up to which it is faster than LAPACK; wider matrices leave the cache. Measured on one core, in us a square
matrix, here and there: 5 columns: 2.0 and 1.8; 9: 2.8 and 4.1; 17: 4.7 and 11; 33: 16 and 45; 65: 55 and 180; 129: 262
and 741; 257: 1596 and 3824. Where all values are the same it takes twice as long, and LAPACK less.
"""
FLOAT64_LANES = REGISTER_BITS // BITS["float64"]


@functools.cache
def singular_values_kernel() -> Kernel:
    """The compiled bidiagonalisation and bisection, of matrices of any size."""
    return Kernel(singular_values_program())


def singular_values(matrices_TPF: Tensor) -> Tensor:
    """Singular values of each matrix, largest first, right to a few ulp of the largest.

    Several threads may call it at the same time; values do not depend on the matrices beside it. What is below 1e-17 of
    the largest comes out as about that, and as zero only in a matrix of zeros.

    Args:
        matrices_TPF: Float64 and finite; the largest entry of each is zero or between 1e-75 and 1e75.

    Returns:
        Shape ``[T, min(P, F)]``, float64.
    """
    if matrices_TPF.shape[1] < matrices_TPF.shape[2]:
        matrices_TPF = matrices_TPF.mT
    num_columns = matrices_TPF.shape[2]
    if not 0 < num_columns <= MOST_COLUMNS:
        return spectra.of_well_scaled(matrices_TPF)
    if spectra.is_tall(matrices_TPF):  # as LAPACK does (dgesdd): QR first costs less than reducing all rows
        matrices_TPF = triangular_factors(matrices_TPF)
    columns_TFP = matrices_TPF.mT.contiguous()
    values_TF = columns_TFP.new_empty(len(columns_TFP), num_columns)
    sizes = buffer_sizes(columns_TFP.shape[2], num_columns)
    scratch = aligned_zeros(sum(sizes.values()), "float64")
    starts = itertools.accumulate(sizes.values(), initial=0)
    # Lanes beyond the last value look for it again: a register that is not full would need a branch.
    places = torch.arange(sizes["found"]).clamp(max=num_columns - 1)
    arguments: dict[str, ArgumentValue] = {
        "given": columns_TFP,
        "values": values_TF,
        "places": places,
        "num_matrices": len(columns_TFP),
        "num_rows": columns_TFP.shape[2],
        "padded_rows": sizes["product"],
        "num_columns": num_columns,
    }
    singular_values_kernel()(arguments | {name: scratch[start:] for name, start in zip(sizes, starts, strict=False)})
    return values_TF


def buffer_sizes(num_rows: int, num_columns: int) -> dict[str, int]:
    """Numbers in each array that the kernel works in, full registers of them.

    Args:
        num_rows: P.
        num_columns: F.

    Returns:
        Lengths by the names of the kernel's parameters.
    """
    rows, columns = (
        round_up(num_rows, FLOAT64_LANES),
        round_up(num_columns, REGISTERS_TOGETHER * FLOAT64_LANES) + FLOAT64_LANES,
    )
    of_rows, of_columns = (
        ("left", "row_products", "next_left", "product"),
        ("diagonal", "off_diagonal", "column_products", "right", "found"),
    )
    sizes = {"matrix": (num_columns + FLOAT64_LANES) * rows}
    return sizes | dict.fromkeys(of_rows, rows) | dict.fromkeys(of_columns, columns)
