"""The axes of an experiment as they are written: inputs, learning rates, recorded steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pipeline.errors import FieldError
from pipeline.problems.measures import Measure
from pipeline.problems.problem import SplitRule

FROM_ONE = "take an integer from 1"
NO_NOISE = "take 0 for none, or a number above 0"

MAX_DIMENSION = 1000
"""Coordinates of a point; 4096 points of so many take 32 MB."""

MAX_RATES = 10_000
"""Learning rates of one experiment."""

MAX_RECORDED = 100_000
"""Steps that one experiment looks at."""

MAX_TRIALS = 2_000_000
"""Trials of one experiment: planning so many takes some ten seconds."""


def positive(field: str, values: tuple[int, ...] | tuple[float, ...]) -> None:
    """Refuse the first value of a field that is not above zero."""
    for position, value in enumerate(values):
        if not value > 0:
            hint = FROM_ONE if isinstance(value, int) else "take a number above 0"
            raise FieldError((field, position), f"{field} must be positive, not {value!r}", hint=hint)


def at_most(path: tuple[str | int, ...], value: int, most: int) -> None:
    """Refuse a number that would make planning hang."""
    if value > most:
        raise FieldError(path, f"{path[0]} must be at most {most}, not {value!r}", hint=f"take {most} or fewer")


def distinct(field: str, values: tuple) -> None:
    """Refuse an axis that is empty or names a value twice."""
    if not values:
        raise FieldError((field,), f"{field} is empty", hint="give at least one value")
    seen = set()
    for position, value in enumerate(values):
        if value in seen:
            shown = value.label() if hasattr(value, "label") else value
            raise FieldError((field, position), f"{field} names {shown} twice", hint="delete one of the two")
        seen.add(value)


@dataclass(frozen=True)
class Inputs:
    """Where the points come from; several dimensions, training sizes or noises are axes.

    Left out, the measure and the dimension are the target's own, and the sizes are 256
    and 4096 points for a target, four fifths and one fifth of the rows for a table. Test points of
    a regression under the uniform law are those of a quadrature, about as many as ``test`` says. The
    rows of a table are split at random, or (``split: stratified``) so within each class, by its share.
    """

    measure: Measure | None = None
    dimension: tuple[int, ...] | None = None
    train: tuple[int, ...] | None = None
    test: int | None = None
    noise: tuple[float, ...] = (0.0,)
    seed: int = 0
    split: SplitRule = "random"
    unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {"split": ("random",)}

    def __post_init__(self) -> None:
        for field in ("dimension", "train", "noise"):
            values = getattr(self, field)
            if values is not None:
                distinct(field, values)
        positive("dimension", self.dimension or ())
        for position, dimension in enumerate(self.dimension or ()):
            at_most(("dimension", position), dimension, MAX_DIMENSION)
        positive("train", self.train or ())
        if self.test is not None and self.test < 1:
            raise FieldError(("test",), f"test must be positive, not {self.test!r}", hint=FROM_ONE)
        for position, noise in enumerate(self.noise):
            if noise < 0:
                raise FieldError(("noise", position), f"noise is a standard deviation, not {noise!r}", hint=NO_NOISE)


@dataclass(frozen=True)
class LogSpaced:
    """Learning rates evenly spaced in the logarithm, both ends included."""

    log_from: float
    log_to: float
    num: int

    def __post_init__(self) -> None:
        if not 0 < self.log_from < self.log_to:
            what = f"log_from {self.log_from!r} is not between 0 and log_to {self.log_to!r}"
            raise FieldError(("log_from",), what, hint="take the smallest rate for log_from, the largest for log_to")
        if self.num < 2:
            hint = "both ends are counted; write a single rate as a number"
            raise FieldError(("num",), f"num must be at least 2, not {self.num!r}", hint=hint)
        at_most(("num",), self.num, MAX_RATES)

    def values(self) -> tuple[float, ...]:
        """Rounded to 6 digits, so that an id does not hang on the last bit of a logarithm."""
        return tuple(float(f"{value:.6g}") for value in np.geomspace(self.log_from, self.log_to, self.num))


@dataclass(frozen=True)
class TimesLimits:
    """Learning rates as multiples of the predicted limit of each problem and model."""

    times_limit: tuple[float, ...]

    def __post_init__(self) -> None:
        distinct("times_limit", self.times_limit)
        positive("times_limit", self.times_limit)


@dataclass(frozen=True)
class LogSpacedSteps:
    """Steps to record at: 0, the last, and about so many evenly spaced in the logarithm."""

    log_spaced: int

    def __post_init__(self) -> None:
        if self.log_spaced < 2:
            hint = "the first and the last step are counted; name single steps in a list"
            raise FieldError(("log_spaced",), f"log_spaced must be at least 2, not {self.log_spaced!r}", hint=hint)
        at_most(("log_spaced",), self.log_spaced, MAX_RECORDED)
