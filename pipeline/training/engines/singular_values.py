"""Singular values of many matrices, by kernels."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from pipeline.numerics import spectra
from pipeline.training.engines.fused.lanes import BITS, REGISTER_BITS
from pipeline.training.engines.fused.machine import Kernel
from pipeline.training.engines.fused.memory import aligned_zeros
from pipeline.training.engines.fused.singular_values import REGISTERS_TOGETHER, singular_values_program
from pipeline.training.engines.fused.step import padded
from pipeline.training.engines.triangular import triangular_factors

MOST_COLUMNS = 512
LANES = REGISTER_BITS // BITS["float64"]
TOGETHER = REGISTERS_TOGETHER * LANES


@functools.cache
def singular_values_kernel() -> Kernel:
    """What computes them, of any size."""
    return Kernel(singular_values_program())


def singular_values(matrices_TPF: Tensor) -> Tensor:
    """Singular values of each matrix, largest first, shape ``[T, min(P, F)]``, each right to a few ulp of the largest.

    Several threads may call it at the same time; values do not depend on the matrices beside it. Those below 1e-17 of
    the largest are not told apart, and come out as about that.

    Args:
        matrices_TPF: In float64, finite, the largest entry of each zero or between 1e-75 and 1e75.
    """
    if matrices_TPF.shape[1] < matrices_TPF.shape[2]:
        matrices_TPF = matrices_TPF.mT
    num_matrices, num_rows, num_columns = matrices_TPF.shape
    if num_columns > MOST_COLUMNS or num_columns == 0:
        return spectra.of_ordinary(matrices_TPF)
    if spectra.is_tall(matrices_TPF):
        matrices_TPF = triangular_factors(matrices_TPF)
        num_rows = num_columns
    columns_TFP = matrices_TPF.mT.contiguous()
    values_TF = columns_TFP.new_empty(num_matrices, num_columns)
    padded_rows, padded_columns = padded(num_rows, LANES), padded(num_columns, TOGETHER) + LANES
    places = torch.arange(padded_columns).clamp(max=num_columns - 1)
    of_columns = ("diagonal", "beside", "across", "right", "found")
    sizes = dict.fromkeys(("left", "behind", "next_left", "product"), padded_rows)
    sizes |= {"matrix": (num_columns + LANES) * padded_rows, **dict.fromkeys(of_columns, padded_columns)}
    scratch = {name: aligned_zeros(size, "float64") for name, size in sizes.items()}
    singular_values_kernel()(
        {name: array.ctypes.data for name, array in scratch.items()}
        | {
            "given": columns_TFP.data_ptr(),
            "values": values_TF.data_ptr(),
            "places": places.data_ptr(),
            "num_matrices": num_matrices,
            "num_rows": num_rows,
            "padded_rows": padded_rows,
            "num_columns": num_columns,
        }
    )
    return values_TF
