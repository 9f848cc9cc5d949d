"""Powers of ReLU ridges of one variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases.basis import Basis


@final
@dataclass(frozen=True)
class Ridge(Basis):
    """The constant and the ReLU ridges max(x - b, 0)^power: what a network of one input is made of.

    Their knots b are -1, 0, -1/2, 1/2, -3/4, 1/4, ..., ever more densely, so that many of
    them are a dictionary to choose from. The ridges to the other side, max(b - x, 0), are not among
    them: with power 1 they differ from these by a line.

    Args:
        power: Exponent, an integer from 1.

    Raises:
        FieldError: If the power is below 1.
    """

    power: int = 1
    formula: ClassVar[str] = (
        r"\phi_0(x) = 1, \qquad \phi_k(x) = \max(x - b_k, 0)^p, \qquad b_1, b_2, \ldots = -1, 0, -\frac{1}{2}, "
        r"\frac{1}{2}, -\frac{3}{4}, \ldots"
    )
    source: ClassVar[str] = "truncated powers, de Boor (1978); knots: van der Corput (1935)"

    def __post_init__(self) -> None:
        if not self.power >= 1:
            raise FieldError(("power",), f"power {self.power!r} is not at least 1", hint="take an integer from 1")

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        values_PW = (x_P[:, None] - self._knots(width).to(x_P)).clamp(min=0) ** self.power
        values_PW[:, 0] = 1
        return values_PW

    def support(self, width: int) -> Tensor:
        knot_W = self._knots(width)
        return torch.stack([knot_W, torch.ones_like(knot_W)], dim=1)

    def kinks(self, width: int) -> Tensor:
        return self._knots(width)

    def _knots(self, width: int) -> Tensor:
        """Knots of the ridges, that of the constant -1, shape ``[W]``, float64."""
        return 2 * _van_der_corput(torch.arange(-1, width - 1).clamp(min=0)) - 1


def _van_der_corput(index_W: Tensor) -> Tensor:
    """Van der Corput sequence: binary digits of each index mirrored at the point, 0, 1/2, 1/4, 3/4, 1/8, ..., exact."""
    value_W, size = torch.zeros(index_W.shape, dtype=torch.float64, device=index_W.device), 0.5
    rest_W = index_W
    while rest_W.any():
        value_W += size * (rest_W % 2)
        rest_W, size = rest_W // 2, size / 2
    return value_W
