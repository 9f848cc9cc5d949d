"""Input distributions: where a target is sampled, and the law a mean square is taken under."""

from __future__ import annotations

import itertools
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pipeline.definitions import Definition, table
from pipeline.errors import FieldError

Points = NDArray[np.float64]


class Measure(Definition, ABC):
    """A law on R^D."""

    @abstractmethod
    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        """Draw points, shape ``[P, D]``."""

    def check(self, num_points: int, dimension: int) -> None:
        """Raise a ``FieldError`` for a sample that this measure cannot give."""

    def default_sizes(self, dimension: int) -> tuple[int, int]:
        """Training and test points where nobody says: 256 and 4096."""
        return 256, 4096


@final
@dataclass(frozen=True)
class Uniform(Measure):
    """The uniform law on the cube [low, high]^D."""

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise FieldError(("high",), f"high {self.high!r} is not above low {self.low!r}")

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return rng.uniform(self.low, self.high, (num_points, dimension))


@final
@dataclass(frozen=True)
class Grid(Measure):
    """The midpoints of equal cells of [low, high]^D, in order; nothing is random."""

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise FieldError(("high",), f"high {self.high!r} is not above low {self.low!r}")

    def default_sizes(self, dimension: int) -> tuple[int, int]:
        train, test = round(256 ** (1 / dimension)), round(4096 ** (1 / dimension))
        return train**dimension, test**dimension

    def check(self, num_points: int, dimension: int) -> None:
        side = round(num_points ** (1 / dimension))
        if side**dimension != num_points:
            below = side if side**dimension < num_points else side - 1
            raise FieldError(
                (),
                f"{num_points} points do not fill a grid in {dimension} dimensions",
                hint=f"take {below**dimension} or {(below + 1) ** dimension}",
            )

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        side = round(num_points ** (1 / dimension))
        line = self.low + (self.high - self.low) * (np.arange(side) + 0.5) / side
        return np.stack(np.meshgrid(*[line] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)


@final
@dataclass(frozen=True)
class Normal(Measure):
    """The normal law with independent coordinates of mean 0."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise FieldError(("scale",), f"scale {self.scale!r} is not positive")

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return self.scale * rng.standard_normal((num_points, dimension))


@final
@dataclass(frozen=True)
class Corners(Measure):
    """The 2^D corners of the cube {0, 1}^D, each as often as every other; nothing is random."""

    def default_sizes(self, dimension: int) -> tuple[int, int]:
        return 2**dimension, 2**dimension

    def check(self, num_points: int, dimension: int) -> None:
        if num_points % 2**dimension:
            raise FieldError(
                (),
                f"{num_points} points do not hold each of the {2**dimension} corners equally often",
                hint=f"take a multiple of {2**dimension}",
            )

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        corners = np.array(list(itertools.product((0.0, 1.0), repeat=dimension)))
        return np.tile(corners, (num_points // len(corners), 1))


@final
@dataclass(frozen=True)
class Rings(Measure):
    """Two circles about the origin of the plane, chosen with equal chance, blurred along the radius."""

    inner: float = 0.4
    outer: float = 0.9
    blur: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.inner < self.outer:
            raise FieldError(("inner",), f"inner {self.inner!r} is not between 0 and outer {self.outer!r}")
        if not self.blur >= 0:
            raise FieldError(("blur",), f"blur {self.blur!r} is negative")

    def check(self, num_points: int, dimension: int) -> None:
        if dimension != 2:
            raise FieldError((), f"rings lie in the plane, not in {dimension} dimensions", hint="set dimension: 2")

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        radius = np.where(rng.random(num_points) < 0.5, self.inner, self.outer)
        radius = radius + self.blur * rng.uniform(-1, 1, num_points)
        angle = rng.uniform(-np.pi, np.pi, num_points)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


MEASURES = table(Measure, sys.modules[__name__])
