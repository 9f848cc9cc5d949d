"""Cosines and Fourier series on [-1, 1]."""

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
class Cosine(Basis):
    """Half-period cosines 1, sqrt2 cos(pi k (x + 1) / 2), orthonormal under the uniform distribution on [-1, 1]."""

    orthonormal_under: ClassVar[Measure | None] = Uniform()
    order: ClassVar[float | None] = 1.5  # the even extension has kinks at both ends
    formula: ClassVar[str] = r"\phi_0(x) = 1, \qquad \phi_k(x) = \sqrt{2} \cos \frac{\pi k (x + 1)}{2}"
    source: ClassVar[str] = "the even extension of [0, 1] to period 2"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        frequency_W = torch.arange(width, dtype=x_P.dtype, device=x_P.device)  # integers times pi would be float32
        values_PW = math.sqrt(2) * torch.cos((math.pi / 2) * frequency_W * (x_P[:, None] + 1))
        values_PW[:, 0] = 1
        return values_PW


@final
@dataclass(frozen=True)
class Fourier(Basis):
    """Fourier series 1, sqrt2 cos(pi x), sqrt2 sin(pi x), sqrt2 cos(2 pi x), ... of period 2, orthonormal on [-1, 1].

    A function with f(-1) != f(1) jumps in its periodic extension, and its error falls
    slowly for that reason alone; cosines do not have this fault.
    """

    orthonormal_under: ClassVar[Measure | None] = Uniform()
    order: ClassVar[float | None] = 0.5  # the periodic extension jumps from one end to the other
    formula: ClassVar[str] = (
        r"\phi_0(x) = 1, \qquad \phi_{2k-1}(x) = \sqrt{2} \cos \pi k x, \qquad \phi_{2k}(x) = \sqrt{2} \sin \pi k x"
    )
    source: ClassVar[str] = "definition"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        index_W = torch.arange(width, device=x_P.device)
        turn_PW = math.pi * ((index_W + 1) // 2).to(x_P) * x_P[:, None]
        values_PW = math.sqrt(2) * torch.where(index_W % 2 == 1, torch.cos(turn_PW), torch.sin(turn_PW))
        values_PW[:, 0] = 1
        return values_PW
