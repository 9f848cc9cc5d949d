"""What a basis is: functions of one variable in a fixed order, so that a narrow basis is a prefix of a wide one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from pipeline.definitions import Definition
from pipeline.problems.measures import Measure


class Basis(Definition, ABC):
    """Functions on [-1, 1], numbered from 0; the first is constant."""

    orthonormal_under: ClassVar[Measure | None] = None
    """The law under which the functions are orthonormal, if there is one among the measures; tests check it."""
    breaks_at_dyadic: ClassVar[bool] = False
    """Whether the functions jump at dyadic points, so that a quadrature must be split there."""
    source: ClassVar[str]

    @abstractmethod
    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        """Values of the first functions, shape ``[P, W]``, in the dtype of the points."""
