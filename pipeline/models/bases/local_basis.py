"""Local basis functions: each lives at a place of its own, and they move when there are more of them.

Shape letters: I B-splines of one order.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.errors import FieldError
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.product import Order, multi_indices


class LocalBasis(Basis, ABC):
    """Functions at equally spaced places of [-1, 1]; of D inputs all products of a mesh, so that the width is ``s^D``.

    Numbers of such functions are places, not frequencies: fewer than all
    products would leave a part of the cube empty.
    """

    nested: ClassVar[bool] = False
    begins_with_one: ClassVar[bool] = False
    domain: ClassVar[tuple[float, float] | None] = (-1.0, 1.0)
    ordered_products: ClassVar[bool] = False

    def indices(self, width: int, num_inputs: int, order: Order) -> tuple[tuple[int, ...], ...]:
        self._check_mesh(width, num_inputs)
        return multi_indices(width, num_inputs, "full")

    def check(self, width: int, num_inputs: int, bounds: tuple[float, float]) -> None:
        super().check(width, num_inputs, bounds)
        self._check_mesh(width, num_inputs)

    def _check_mesh(self, width: int, num_inputs: int) -> None:
        """Refuse a width that is no D-th power.

        Raises:
            FieldError: If ``width`` products do not fill a mesh.
        """
        side = 1
        while (side + 1) ** num_inputs <= width:
            side += 1
        if side**num_inputs != width:
            what = f"{width} products of {self.name()} do not fill a mesh in {num_inputs} dimensions"
            raise FieldError((), what, hint=f"take {side**num_inputs} or {(side + 1) ** num_inputs}")


@final
@dataclass(frozen=True)
class Hat(LocalBasis):
    """Hats: 1 at one of equally spaced knots, 0 at all others, linear between; the piecewise linear functions.

    There are W knots, both ends among them; one hat alone is the
    constant 1. The condition number of their Gram matrix stays below 4 at any width.
    """

    sums_to_one: ClassVar[bool] = True
    order: ClassVar[float | None] = 2.0
    formula: ClassVar[str] = r"\phi_k(x) = \max\left(1 - \left| \frac{x + 1}{2} (W - 1) - k \right|, 0\right)"
    source: ClassVar[str] = "Schumaker, Spline Functions (1981), linear splines; Courant (1943)"

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        if width == 1:
            return torch.ones_like(x_P)[:, None]
        knot_W = torch.arange(width, dtype=x_P.dtype, device=x_P.device)
        place_P = (x_P + 1) * ((width - 1) / 2)  # of a point, in distances of two knots
        return (1 - (place_P[:, None] - knot_W).abs()).clamp(min=0)

    def support(self, width: int) -> Tensor:
        return _between(BSpline(1).knots(width), width)

    def kinks(self, width: int) -> Tensor:
        return torch.linspace(-1, 1, width, dtype=torch.float64)


@final
@dataclass(frozen=True)
class BSpline(LocalBasis):
    """B-splines: the smoothest piecewise polynomials of a degree on equal cells, each on ``degree + 1`` cells at most.

    The ends of the interval are knots as often as makes the sum 1. A basis of at most
    ``degree`` functions is that of polynomials on one cell, of lower degree. Degree 1 are the hats. Values follow the
    recurrence of Cox and de Boor.

    Args:
        degree: From 0; 3 are cubic splines.

    Raises:
        FieldError: If the degree is negative.
    """

    degree: int = 3
    sums_to_one: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"B_{k,d}(x) = \frac{x - t_k}{t_{k+d} - t_k} B_{k,d-1}(x) + \frac{t_{k+d+1} - x}{t_{k+d+1} - t_{k+1}} "
        r"B_{k+1,d-1}(x)"
    )
    source: ClassVar[str] = "de Boor, A Practical Guide to Splines (1978), chapters IX and X"

    def __post_init__(self) -> None:
        if not self.degree >= 0:
            raise FieldError(("degree",), f"degree {self.degree!r} is negative", hint="take an integer from 0")

    def approximation_order(self) -> float:
        """``degree + 1``. Source: de Boor, chapter XII, on the distance of a smooth function from splines."""
        return self.degree + 1.0

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        degree, knots = min(self.degree, width - 1), self.knots(width).to(x_P)
        num_cells = width - degree
        # A point belongs to the cell on its right, the right end to the last.
        cell_P = torch.searchsorted(knots[degree + 1 : degree + num_cells].contiguous(), x_P.contiguous(), right=True)
        values_PI = torch.nn.functional.one_hot(cell_P + degree, width + degree).to(x_P)
        for order in range(1, degree + 1):
            size_I = knots[order:] - knots[:-order]
            rising_PI = (x_P[:, None] - knots[:-order]) / size_I.where(size_I > 0, 1)  # times zero where they coincide
            values_PI = rising_PI[:, :-1] * values_PI[:, :-1] + (1 - rising_PI[:, 1:]) * values_PI[:, 1:]
        return values_PI

    def support(self, width: int) -> Tensor:
        return _between(self.knots(width), width)

    def kinks(self, width: int) -> Tensor:
        return self.knots(width)

    def knots(self, width: int) -> Tensor:
        """Knots: ends of equal cells, those of the interval once more for each degree.

        Args:
            width: W, number of functions.

        Returns:
            Shape ``[W + degree + 1]``, increasing, float64.
        """
        degree = min(self.degree, width - 1)
        inner = torch.linspace(-1, 1, width - degree + 1, dtype=torch.float64)
        return torch.cat([inner.new_full((degree,), -1), inner, inner.new_full((degree,), 1)])


def _between(knots: Tensor, width: int) -> Tensor:
    """Supports ``[W, 2]``, from knot k to the last knot of function k."""
    return torch.stack([knots[:width], knots[len(knots) - width :]], dim=1)


@final
@dataclass(frozen=True)
class GaussianBump(LocalBasis):
    """Gaussian bumps at equally spaced places, both ends of the interval among them: smooth, and nowhere zero.

    At an overlap of 1 the sum of many is constant to 5e-9 far from the ends, but neighbours are much alike; at 1/2 it
    waves by one and a half percent, and they are better conditioned. One bump alone is centred at 0, as wide as if it
    had neighbours at distance 2.

    Args:
        overlap: Standard deviation in distances of two neighbours, above 0.

    Raises:
        FieldError: If the overlap is not positive.
    """

    overlap: float = 1.0
    formula: ClassVar[str] = (
        r"\phi_k(x) = \exp\left(-\frac{(x - x_k)^2}{2 (s h)^2}\right), \qquad x_k = -1 + k h, \qquad h = \frac{2}{W - "
        r"1}"
    )
    source: ClassVar[str] = "Broomhead, Lowe (1988), radial basis functions; Poisson summation for the ripple"

    def __post_init__(self) -> None:
        if not self.overlap > 0:
            what = f"overlap {self.overlap!r} is not positive"
            raise FieldError(("overlap",), what, hint="take a number above 0, such as 1")

    def __call__(self, x_P: Tensor, width: int) -> Tensor:
        distance = 2 / max(width - 1, 1)
        place_W = torch.arange(width, dtype=x_P.dtype, device=x_P.device) - (width - 1) / 2
        away_PW = x_P[:, None] / distance - place_W
        return torch.exp(-(away_PW / self.overlap).square() / 2)
