"""Axes of an experiment as they are written: inputs, learning rates, recorded steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from pipeline.definitions import Definition
from pipeline.errors import FieldError
from pipeline.numerics.randomness import Seed
from pipeline.problems.measures import Measure
from pipeline.problems.problem import SplitRule

FROM_ONE = "take an integer from 1"
NO_NOISE = "take 0 for none, or a number above 0"

MAX_DIMENSION = 1000
"""Coordinates of a point; 4096 points with 1000 take 32 MB."""

BatchSize = int | Literal["full"]
"""Points of a minibatch; ``full`` is all of them."""

MAX_RATES = 10_000
"""Learning rates of one experiment."""

MAX_RECORDED = 100_000
"""Steps that one experiment looks at."""

MAX_STEPS = 10**12
"""Updates of one trial: at a million a second, twelve days."""

MAX_TRIALS = 2_000_000
"""Trials of one experiment: planning two million takes some ten seconds."""


Place = tuple[str | int, ...]
"""Where a value stands: names of fields and positions in lists, from the object that refuses it inwards."""

Value = TypeVar("Value")


def several(value: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    """The values of an axis; one that is not written as a list is the only one."""
    return value if isinstance(value, tuple) else (value,)


def place(field: str, written: object, position: int) -> Place:
    """Where a value of an axis stands: in a list at its position, else at the field itself."""
    return (field, position) if isinstance(written, tuple) else (field,)


def positive(field: str | Place, values: tuple[int, ...] | tuple[float, ...]) -> None:
    """Refuse the first value of a field that is not above zero.

    Raises:
        FieldError: At the position of that value.
    """
    path = (field,) if isinstance(field, str) else field
    for position, value in enumerate(values):
        if not value > 0:
            hint = FROM_ONE if isinstance(value, int) else "take a number above 0"
            raise FieldError((*path, position), f"{path[0]} must be positive, not {value!r}", hint=hint)


def at_most(path: Place, value: int, most: int) -> None:
    """Refuse a number that would make planning hang.

    Args:
        path: Where it stands, from the object that refuses it.
        value: The number.
        most: The largest that is accepted.

    Raises:
        FieldError: If it is larger.
    """
    if value > most:
        raise FieldError(path, f"{path[0]} must be at most {most}, not {value!r}", hint=f"take {most} or fewer")


def distinct(field: str | Place, values: tuple) -> None:
    """Refuse an axis that is empty or has a value twice: a trial is in an experiment once.

    Raises:
        FieldError: At the second of two equal values, or at the field.
    """
    path = (field,) if isinstance(field, str) else field
    if not values:
        raise FieldError(path, f"{path[0]} is empty", hint="give at least one value")
    seen = set()
    for position, value in enumerate(values):
        if value in seen:
            shown = value.label() if hasattr(value, "label") else value
            raise FieldError((*path, position), f"{path[0]} names {shown} twice", hint="delete one of the two")
        seen.add(value)


def check_seeds(seeds: int | tuple[int, ...]) -> None:
    """Refuse no seeds, or one twice.

    Raises:
        FieldError: At the seeds.
    """
    if isinstance(seeds, tuple):
        distinct("seeds", seeds)
    elif seeds < 1:
        hint = "take how many seeds to train, from 1, or a list of them"
        raise FieldError(("seeds",), f"seeds must be positive, not {seeds!r}", hint=hint)


def distinct_labels(models: Sequence[Definition]) -> None:
    """Refuse models that differ only in what labels do not show: they are repetitions, which seeds make.

    Raises:
        FieldError: At the second of two.
    """
    labels = [model.label() for model in models]
    for position, label in enumerate(labels):
        if label in labels[:position]:
            what = f"models names {label} twice, with different seeds"
            raise FieldError(("models", position), what, hint="leave one out: every seed draws its own")


@dataclass(frozen=True)
class Inputs:
    """Distribution and number of the training and test points; lists of dimensions, training sizes or noises are axes.

    Args:
        measure: Distribution of the points; by default the target's own.
        dimension: Coordinates of a point, D; by default the target's own, or 1.
        train: Training points; by default 256 for a target, four fifths of the rows for a table.
        test: Test points; by default 4096 for a target, the other rows for a table. Those of a regression under the
            uniform distribution are the nodes of a quadrature, about this many.
        noise: Standard deviation of what is added to the training targets.
        seed: Of the points, the noise and the split; a list draws as many samples, for every seed of a trial each, and
            ``trial`` one for each seed of a trial.
        split: How the rows of a table are split: at random, or at random within each class in proportion to its size.
    """

    measure: Measure | None = None
    dimension: tuple[int, ...] | None = None
    train: tuple[int, ...] | None = None
    test: int | None = None
    noise: tuple[float, ...] = (0.0,)
    seed: Seed | tuple[int, ...] = 0
    split: SplitRule = "random"
    unsaid: ClassVar[Mapping[str, tuple[Any, ...]]] = {"split": ("random",)}

    def __post_init__(self) -> None:
        for field in ("dimension", "train", "noise"):
            values = getattr(self, field)
            if values is not None:
                distinct(field, values)
        if isinstance(self.seed, tuple):
            distinct("seed", self.seed)
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
    """Learning rates evenly spaced in the logarithm: ``log_from * (log_to / log_from) ** (i / (num - 1))``, i < num."""

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
        """The rates, rounded to 6 digits, so that an id does not hang on the last bit of a logarithm."""
        return tuple(float(f"{value:.6g}") for value in np.geomspace(self.log_from, self.log_to, self.num))


@dataclass(frozen=True)
class TimesLimits:
    """Learning rates as multiples of the stability limit that theory predicts for each problem and model."""

    times_limit: tuple[float, ...]

    def __post_init__(self) -> None:
        distinct("times_limit", self.times_limit)
        positive("times_limit", self.times_limit)


@dataclass(frozen=True)
class LogSpacedSteps:
    """Recorded steps: 0, the last, and those nearest to ``log_spaced`` points evenly spaced in the logarithm.

    Points that round to the same step are one, so there may be fewer.
    """

    log_spaced: int

    def __post_init__(self) -> None:
        if self.log_spaced < 2:
            hint = "the first and the last step are counted; name single steps in a list"
            raise FieldError(("log_spaced",), f"log_spaced must be at least 2, not {self.log_spaced!r}", hint=hint)
        at_most(("log_spaced",), self.log_spaced, MAX_RECORDED)
