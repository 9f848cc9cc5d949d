"""Bases: functions of one variable, numbered from 0, and their products as features of several inputs.

Shape letters: M kinks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from pipeline.definitions import Definition
from pipeline.errors import FieldError, PipelineError
from pipeline.models.bases.product import Order, multi_indices
from pipeline.problems.measures import Measure

ON_THE_WHOLE_LINE = "take inputs in there, or functions of the whole line, such as legendre, cosine or random_fourier"


class Basis(Definition, ABC):
    """Sequence of functions ``phi_0, phi_1, ...`` on [-1, 1]."""

    nested: ClassVar[bool] = True
    """Whether a narrow basis is a prefix of a wide one; functions that share the interval move with the width."""
    begins_with_one: ClassVar[bool] = True
    """Whether function 0 is the constant 1."""
    sums_to_one: ClassVar[bool] = False
    """Whether the functions of every width are a partition of unity: none negative, and 1 in sum."""
    independent: ClassVar[bool] = True
    """Whether the functions are linearly independent on [-1, 1] at every width."""
    orthonormal_under: ClassVar[Measure | None] = None
    """Distribution under which the functions are orthonormal, if there is one among the measures; tests check it."""
    breaks_at_dyadic: ClassVar[bool] = False
    """Whether the functions jump at dyadic points, so that a quadrature must be split there."""
    domain: ClassVar[tuple[float, float] | None] = None
    """Interval outside of which there are no functions; ``None``: they are formulas for the whole line."""
    ordered_products: ClassVar[bool] = True
    """Whether features of several inputs are products that can be taken in more than one order."""
    order: ClassVar[float | None] = None
    """Approximation order: the greatest r for which best errors of every smooth function fall at least as ``width^-r``.

    In the mean square over any interval inside [-1, 1]; ``None``: not known.
    """
    order_holds_everywhere: ClassVar[bool] = False
    """Whether the functions span on every interval what they span on [-1, 1], so that the order is that of all."""
    source: ClassVar[str]
    """Where the functions are from."""

    @property
    def draws_from_seed(self) -> bool:
        """Whether every seed of a trial draws functions of its own; most functions are formulas."""
        return False

    def with_seed(self, seed: int) -> Basis:
        """The same functions, or those that this seed draws where they are drawn.

        Args:
            seed: Names the stream.

        Returns:
            A basis that draws from no seed but this.
        """
        return self

    def approximation_order(self) -> float | None:
        """Approximation order r of these functions, where it depends on their parameters too; ``None``: not known."""
        return self.order

    @abstractmethod
    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        """Values of the functions at points.

        Args:
            x_P: Points of one input.
            width: W, how many functions.

        Returns:
            Shape ``[P, W]``, in the dtype of the points.
        """

    def support(self, width: int) -> Tensor:
        """Support of each function: the interval of [-1, 1] outside of which it is zero, and inside not.

        Args:
            width: W.

        Returns:
            Ends, shape ``[W, 2]``, float64.
        """
        return torch.tensor([-1.0, 1.0], dtype=torch.float64).expand(width, 2)

    def kinks(self, width: int) -> Tensor | None:
        """Kinks along one variable, where a function or a derivative jumps.

        Args:
            width: W.

        Returns:
            Shape ``[M]``, float64; ``None`` for nowhere.
        """
        return None

    def features(self, inputs_PD: Tensor, width: int, order: Order = "total_degree") -> Tensor:
        """Features of several inputs: products ``phi_i1(x_1) ... phi_iD(x_D)`` of one function of each input.

        Args:
            inputs_PD: Inputs.
            width: W, how many features.
            order: Order in which the products are taken.

        Returns:
            Shape ``[P, W]``, in the dtype of the inputs.

        Raises:
            PipelineError: If an input lies outside the domain.
        """
        self._check_inputs(inputs_PD)
        indices = self.indices(width, inputs_PD.shape[1], order)
        if inputs_PD.shape[1] == 1:
            return self(inputs_PD[:, 0], width)
        features_PW = inputs_PD.new_ones(len(inputs_PD), width)
        for axis, numbers in enumerate(zip(*indices, strict=True)):
            features_PW *= self(inputs_PD[:, axis], max(numbers) + 1)[:, list(numbers)]
        return features_PW

    def indices(self, width: int, num_inputs: int, order: Order) -> tuple[tuple[int, ...], ...]:
        """Multi-index of each feature: which function of each input it is the product of.

        Args:
            width: W.
            num_inputs: D.
            order: Order in which the products are taken.

        Returns:
            W tuples of D integers.
        """
        return multi_indices(width, num_inputs, order)

    def check(self, width: int, num_inputs: int, bounds: tuple[float, float]) -> None:
        """Refuse a width, or inputs, that these functions cannot have.

        Args:
            width: W, number of features.
            num_inputs: D.
            bounds: Ends between which all inputs lie.

        Raises:
            FieldError: If inputs may lie outside the domain.
        """
        if self.domain is not None and not (self.domain[0] <= bounds[0] and bounds[1] <= self.domain[1]):
            low, high = self.domain
            where = f"[{bounds[0]:g}, {bounds[1]:g}]"
            what = (
                f"{self.name()} has functions on [{low:g}, {high:g}] only, and the inputs may lie anywhere in {where}"
            )
            raise FieldError((), what, hint=ON_THE_WHOLE_LINE)

    def inside(self, inputs_PD: Tensor) -> Tensor:
        """Whether all inputs of a point lie in the domain.

        Args:
            inputs_PD: Points.

        Returns:
            Shape ``[P]``, bool.
        """
        low, high = self.domain or (-torch.inf, torch.inf)
        return ((inputs_PD >= low) & (inputs_PD <= high)).all(dim=1)

    def _check_inputs(self, inputs_PD: Tensor) -> None:
        """Refuse points outside the domain.

        Raises:
            PipelineError: If there are any.
        """
        if self.domain is None:
            return
        low, high = self.domain
        outside_P = ~self.inside(inputs_PD)
        if outside_P.any():
            far = float(inputs_PD[outside_P].abs().max())
            what = f"{self.name()} has functions on [{low:g}, {high:g}] only, and {int(outside_P.sum())} of "
            what += f"{len(inputs_PD)} points lie outside, as far as {far:.4g}"
            raise PipelineError(what, hint=ON_THE_WHOLE_LINE)
