"""Rational functions whose poles cluster at zero."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.models.bases.basis import Basis


@final
@dataclass(frozen=True)
class ClusteredPoles(Basis):
    """The constant, and p^2 / (x^2 + p^2) with p = 1, 1/2, 1/4, ...: ever sharper bumps at a kink in zero.

    Args:
        ratio: Of one p to the one before, between 0 and 1.
    """

    ratio: float = 0.5
    formula: ClassVar[str] = r"\phi_0(x) = 1, \qquad \phi_k(x) = \frac{p_k^2}{x^2 + p_k^2}, \qquad p_k = q^{k-1}"
    source: ClassVar[str] = "Gopal, Trefethen, SIAM J. Numer. Anal. 57 (2019), for poles that cluster at a corner"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        number_W = torch.arange(width, dtype=x_P.dtype, device=x_P.device)
        square_W = self.ratio ** (2 * (number_W - 1))
        values_PW = square_W / (x_P[:, None].square() + square_W)
        values_PW[:, 0] = 1
        return values_PW
