"""Polynomial bases."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.models.bases.basis import Basis
from pipeline.problems.measures import Measure, Uniform


@final
@dataclass(frozen=True)
class Monomial(Basis):
    """Monomials 1, x, x^2, ...: simple, and so nearly dependent that descent hardly moves."""

    order: ClassVar[float | None] = math.inf
    order_holds_everywhere: ClassVar[bool] = True
    formula: ClassVar[str] = r"\phi_n(x) = x^n"
    source: ClassVar[str] = "definition"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        return x_P[:, None] ** torch.arange(width, device=x_P.device)


@final
@dataclass(frozen=True)
class Legendre(Basis):
    """Legendre polynomials, orthonormal under the uniform distribution on [-1, 1].

    ``sqrt(2n + 1) P_n(x)``, by the recurrence ``(n + 1) P_(n+1) = (2n + 1) x P_n - n P_(n-1)``.
    """

    orthonormal_under: ClassVar[Measure | None] = Uniform()
    order: ClassVar[float | None] = math.inf
    order_holds_everywhere: ClassVar[bool] = True
    formula: ClassVar[str] = r"\phi_n(x) = \sqrt{2n + 1} \, P_n(x), \qquad (n + 1) P_{n+1} = (2n + 1) x P_n - n P_{n-1}"
    source: ClassVar[str] = "DLMF, Table 18.3.1 and section 18.9(i)"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        p = [torch.ones_like(x_P), x_P]
        for n in range(1, width - 1):
            p.append(((2 * n + 1) * x_P * p[n] - n * p[n - 1]) / (n + 1))
        degree_W = torch.arange(width, device=x_P.device)
        return torch.stack(p[:width], dim=-1) * (2 * degree_W + 1).to(x_P).sqrt()


@final
@dataclass(frozen=True)
class Chebyshev(Basis):
    """Chebyshev polynomials of the first kind, cos(n arccos x), between -1 and 1 everywhere on [-1, 1].

    By the recurrence ``T_(n+1) = 2 x T_n - T_(n-1)``.
    """

    order: ClassVar[float | None] = math.inf
    order_holds_everywhere: ClassVar[bool] = True
    formula: ClassVar[str] = r"\phi_n(x) = T_n(x) = \cos(n \arccos x), \qquad T_{n+1} = 2 x T_n - T_{n-1}"
    source: ClassVar[str] = "DLMF, Table 18.3.1 and section 18.9(i)"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        t = [torch.ones_like(x_P), x_P]
        for n in range(1, width - 1):
            t.append(2 * x_P * t[n] - t[n - 1])
        return torch.stack(t[:width], dim=-1)
