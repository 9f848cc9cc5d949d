"""Haar wavelets on [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.models.bases.basis import Basis
from pipeline.problems.measures import Measure, Uniform


@final
@dataclass(frozen=True)
class Haar(Basis):
    """Haar wavelets, orthonormal under the uniform distribution on [-1, 1]: steps of all sizes at all places.

    Function 0 is constant; function 2^j + k lives on cell k of the 2^j equal cells of
    the interval, +2^(j/2) on its left half and -2^(j/2) on its right half. Cells are
    half open, right-continuous; x = 1 belongs to the last.
    """

    orthonormal_under: ClassVar[Measure | None] = Uniform()
    breaks_at_dyadic: ClassVar[bool] = True
    domain: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)
    order: ClassVar[float | None] = 1.0  # what is constant on a cell misses the slope there
    formula: ClassVar[str] = (
        r"\phi_0(x) = 1, \qquad \phi_{2^j + k}(x) = \begin{cases} 2^{j/2} & \text{left half of cell } k \\ -2^{j/2} & "
        r"\text{right half of cell } k \\ 0 & \text{elsewhere} \end{cases}"
    )
    source: ClassVar[str] = "Haar (1910); Daubechies, Ten Lectures on Wavelets, section 1.3.3"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        points = torch.arange(len(x_P), device=x_P.device)
        values_PW = x_P.new_zeros(len(x_P), width)
        values_PW[:, 0] = 1
        level = 0
        while 2**level < width:
            # Scaling by a power of two and flooring are exact, so no point is put into a neighbouring cell.
            half_P = torch.floor(x_P * 2**level).long() + 2**level
            half_P = half_P.clamp(0, 2 ** (level + 1) - 1)
            column_P = 2**level + half_P // 2
            sign_P = 1 - 2 * (half_P % 2).to(x_P)
            inside = column_P < width
            values_PW[points[inside], column_P[inside]] = 2 ** (level / 2) * sign_P[inside]
            level += 1
        return values_PW

    def kinks(self, width: int) -> Tensor:
        return torch.linspace(-1, 1, 2 * 2 ** max(width - 1, 1).bit_length() + 1, dtype=torch.float64)

    def support(self, width: int) -> Tensor:
        index_W = torch.arange(width).clamp(min=1)
        level_W = index_W.double().log2().floor()  # exact: the logarithm of a power of two is
        size_W = 2 * 2**-level_W
        left_W = (index_W - 2**level_W) * size_W - 1
        return torch.stack([left_W, left_W + size_W], dim=1)
