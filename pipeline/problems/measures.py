"""Input distributions: where a target is sampled, and the distribution that a mean square is taken under.

Shape letters: B cell boundaries, E estimates.
"""

from __future__ import annotations

import itertools
import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pipeline.definitions import Definition, table
from pipeline.errors import FieldError
from pipeline.numerics.quadrature import boundaries_of_rule, rule

Points = NDArray[np.float64]
"""Points ``[P, D]``, or values ``[P]``, float64."""
Rule = tuple[Tensor, Tensor]
"""Points ``[P, D]`` and weights ``[E, P]`` of a quadrature rule."""

MAX_POINTS = 10**9
"""No hint recommends a larger sample."""


class Measure(Definition, ABC):
    """Probability distribution on R^D."""

    random: ClassVar[bool] = True
    """Whether every sample has points of its own."""
    fills_the_box: ClassVar[bool] = False
    """Whether it is uniform on the box of its bounds, so that best errors in its mean square fall as over the box."""

    @abstractmethod
    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        """Sample of independent points, or the points of a grid.

        Args:
            num_points: P.
            dimension: D.
            rng: Random generator; its state moves on.

        Returns:
            Shape ``[P, D]``.
        """

    def check(self, num_points: int, dimension: int) -> None:
        """Raise a ``FieldError`` for a sample that this distribution cannot give.

        Args:
            num_points: P.
            dimension: D.
        """

    def default_sizes(self, dimension: int) -> tuple[int, int]:
        """Default numbers of training and test points.

        Args:
            dimension: D.

        Returns:
            256 and 4096, where a class does not say otherwise.
        """
        return 256, 4096

    def rule(self, num_points: int, dimension: int, breaks: tuple[float, ...], seed: int) -> Rule | None:
        """Quadrature rule, for means that are more exact than a sample's; ``None`` where there is none.

        Args:
            num_points: About how many points.
            dimension: D.
            breaks: Where the integrand is not smooth along any axis.
            seed: Of rules with random parts.

        Returns:
            Points ``[P, D]`` and weights ``[E, P]``, each row of sum 1.
        """
        return None

    def boundaries_of_rule(self, num_points: int, dimension: int, breaks: tuple[float, ...]) -> Tensor | None:
        """Cell boundaries of the quadrature rule of one input.

        Args:
            num_points: About how many points.
            dimension: D.
            breaks: Where the integrand is not smooth along any axis.

        Returns:
            Shape ``[B]``, increasing, float64; ``None`` of other rules.
        """
        return None

    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """Ends between which every coordinate of every point lies."""


def _check_interval(low: float, high: float) -> None:
    if not low < high:
        hint = "take the left end for low, the right end for high"
        raise FieldError(("high",), f"high {high!r} is not above low {low!r}", hint=hint)
    if not math.isfinite(high - low):
        what = f"high {high!r} is too far from low {low!r} for float64"
        raise FieldError(("high",), what, hint="take ends whose difference is finite")


@final
@dataclass(frozen=True)
class Uniform(Measure):
    """Uniform distribution on the cube [low, high]^D.

    Args:
        low: Left end of every axis.
        high: Right end of every axis.

    Raises:
        FieldError: If the ends are not finite and in order.
    """

    low: float = -1.0
    high: float = 1.0
    fills_the_box: ClassVar[bool] = True
    formula: ClassVar[str] = r"x \sim U([a, b]^D)"

    def __post_init__(self) -> None:
        _check_interval(self.low, self.high)

    def rule(self, num_points: int, dimension: int, breaks: tuple[float, ...], seed: int) -> Rule | None:
        return rule(dimension, num_points, low=self.low, high=self.high, breaks=breaks, seed=seed)

    def boundaries_of_rule(self, num_points: int, dimension: int, breaks: tuple[float, ...]) -> Tensor | None:
        if dimension > 1:
            return None
        return boundaries_of_rule(dimension, num_points, low=self.low, high=self.high, breaks=breaks)

    def bounds(self) -> tuple[float, float]:
        return self.low, self.high

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return rng.uniform(self.low, self.high, (num_points, dimension))


@final
@dataclass(frozen=True)
class Grid(Measure):
    """Regular grid: the midpoints of equal cells of [low, high]^D, in order; nothing is random.

    Args:
        low: Left end of every axis.
        high: Right end of every axis.

    Raises:
        FieldError: If the ends are not finite and in order.
    """

    low: float = -1.0
    high: float = 1.0
    random: ClassVar[bool] = False
    fills_the_box: ClassVar[bool] = True
    formula: ClassVar[str] = (
        r"x_i = a + (b - a) \frac{i + 1/2}{n}, \qquad i = 0, \ldots, n - 1, \text{ along every axis}"
    )

    def __post_init__(self) -> None:
        _check_interval(self.low, self.high)

    def default_sizes(self, dimension: int) -> tuple[int, int]:
        train, test = round(256 ** (1 / dimension)), round(4096 ** (1 / dimension))
        return train**dimension, test**dimension

    def check(self, num_points: int, dimension: int) -> None:
        side = _integer_root(num_points, dimension)
        if side**dimension != num_points:
            filling = [str(side**dimension) for side in (side, side + 1) if side**dimension <= MAX_POINTS]
            hint = f"take {' or '.join(filling)}" if filling else f"take at most {MAX_POINTS}"
            raise FieldError((), f"{num_points} points do not fill a grid in {dimension} dimensions", hint=hint)

    def bounds(self) -> tuple[float, float]:
        return self.low, self.high

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        side = _integer_root(num_points, dimension)
        line = self.low + (self.high - self.low) * (np.arange(side) + 0.5) / side
        point_P = np.arange(num_points)  # its digits to the base of the side say where it stands on each axis
        digits = [point_P // side**place % side for place in reversed(range(dimension))]
        return np.stack([line[digit_P] for digit_P in digits], axis=-1)


def _integer_root(number: int, degree: int) -> int:
    """Integer root: the largest integer whose power is at most the number; one in floats misses it by one."""
    low, high = 1, 2 ** (number.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle)
    return low


@final
@dataclass(frozen=True)
class Normal(Measure):
    """Normal distribution with independent coordinates of mean 0.

    Args:
        scale: Standard deviation of a coordinate, above 0.

    Raises:
        FieldError: If the scale is not positive.
    """

    scale: float = 1.0
    formula: ClassVar[str] = r"x \sim N(0, s^2 I)"

    def __post_init__(self) -> None:
        if not self.scale > 0:
            hint = "take the standard deviation of a coordinate, above 0"
            raise FieldError(("scale",), f"scale {self.scale!r} is not positive", hint=hint)

    def bounds(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return self.scale * rng.standard_normal((num_points, dimension))


@final
@dataclass(frozen=True)
class Corners(Measure):
    """Corners of the cube {0, 1}^D, each of the 2^D as often as every other; nothing is random."""

    random: ClassVar[bool] = False
    max_dimension: ClassVar[int] = 16
    """More corners than 2^16 are no sample that anyone trains on."""
    formula: ClassVar[str] = r"x \in \{0, 1\}^D, \text{ each as often as every other}"

    def default_sizes(self, dimension: int) -> tuple[int, int]:
        return 2**dimension, 2**dimension

    def check(self, num_points: int, dimension: int) -> None:
        if dimension > self.max_dimension:
            what = f"a cube in {dimension} dimensions has too many corners"
            raise FieldError((), what, hint=f"take at most {self.max_dimension} dimensions, or another measure")
        if num_points % 2**dimension:
            raise FieldError(
                (),
                f"{num_points} points do not hold each of the {2**dimension} corners equally often",
                hint=f"take a multiple of {2**dimension}",
            )

    def bounds(self) -> tuple[float, float]:
        return 0.0, 1.0

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        corners = np.array(list(itertools.product((0.0, 1.0), repeat=dimension)))
        return np.tile(corners, (num_points // len(corners), 1))


@final
@dataclass(frozen=True)
class Rings(Measure):
    """Two circles about the origin of the plane, chosen with equal probability, blurred along the radius.

    Args:
        inner: Radius of the smaller circle, above 0.
        outer: Radius of the larger circle.
        blur: Half the width of each ring, from 0.

    Raises:
        FieldError: If the radii are not in order, or the blur is negative.
    """

    inner: float = 0.4
    outer: float = 0.9
    blur: float = 0.05
    formula: ClassVar[str] = (
        r"|x| \sim r + U(-\delta, \delta), \qquad r \in \{r_{inner}, r_{outer}\}, \text{ at a uniform angle}"
    )

    def __post_init__(self) -> None:
        if not 0 < self.inner < self.outer:
            what = f"inner {self.inner!r} is not between 0 and outer {self.outer!r}"
            raise FieldError(("inner",), what, hint="take the smaller radius for inner, both above 0")
        if not self.blur >= 0:
            raise FieldError(
                ("blur",), f"blur {self.blur!r} is negative", hint="take 0 for circles, or a number above 0"
            )

    def check(self, num_points: int, dimension: int) -> None:
        if dimension != 2:
            raise FieldError((), f"rings lie in the plane, not in {dimension} dimensions", hint="set dimension: 2")

    def bounds(self) -> tuple[float, float]:
        return -self.outer - self.blur, self.outer + self.blur

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        radius = np.where(rng.random(num_points) < 0.5, self.inner, self.outer)
        radius = radius + self.blur * rng.uniform(-1, 1, num_points)
        angle = rng.uniform(-np.pi, np.pi, num_points)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


MEASURES = table(Measure, sys.modules[__name__])
