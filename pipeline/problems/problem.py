"""A problem: what a trial learns, as numbers in memory.

The points of a problem come from the problem's own content (its seed included) and from
nothing else, so trials that differ in model, learning rate or seed share them.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch import Tensor

from pipeline.definitions import canonical
from pipeline.errors import FieldError
from pipeline.numerics.randomness import stream
from pipeline.problems.datasets import Data
from pipeline.problems.losses import Task
from pipeline.problems.measures import Measure, Rule
from pipeline.problems.targets import Target


@dataclass(frozen=True)
class Dataset:
    """Points in float64: inputs ``[P, D]`` and targets ``[P, K]``, for training and held out.

    Held-out points are a sample, whose points count alike, or the nodes of a rule: R rows of weights
    give as many estimates of a mean over the law of the inputs.
    """

    train_inputs_PD: Tensor
    train_targets_PK: Tensor
    test_inputs_PD: Tensor
    test_targets_PK: Tensor
    test_weights_RP: Tensor | None = None

    def on(self, device: torch.device) -> Dataset:
        """The same on a device."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        moved = {name: value.to(device) for name, value in values.items() if value is not None}
        return dataclasses.replace(self, **moved)


class Problem(ABC):
    """What is to be learned, and from how many points."""

    train: int
    test: int

    @property
    @abstractmethod
    def task(self) -> Task:
        """What the outputs mean."""

    @property
    @abstractmethod
    def num_inputs(self) -> int:
        """D, the coordinates of one point."""

    @property
    @abstractmethod
    def num_outputs(self) -> int:
        """K."""

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """Ends between which every input lies."""

    @abstractmethod
    def label(self) -> str:
        """A short name for tables and figures."""

    @abstractmethod
    def load(self) -> Dataset:
        """Draw or read the points; equal problems give equal points."""

    @functools.cached_property
    def identity(self) -> str:
        """Canonical text of the whole content; the name of the streams its points are drawn from."""
        return json.dumps(canonical(self, identity=True), sort_keys=True, separators=(",", ":"))


@final
@dataclass(frozen=True)
class FunctionProblem(Problem):
    """A target sampled at random inputs.

    The noise is the standard deviation of independent normal errors on the training
    targets, in units of the target. Held-out targets carry no noise: the test error is
    the distance to the target itself. Where the measure has a rule for integrals, the held-out points
    are those of the rule, at most about ``test``, so that the test error is an integral and no sample.
    """

    target: Target
    measure: Measure
    dimension: int
    train: int
    test: int
    noise: float
    seed: int

    def __post_init__(self) -> None:
        known = self.target.dimensions
        if known is not None and self.dimension != known:
            what = f"{self.target.name()} is a function of {known} input{'s' if known > 1 else ''}"
            raise FieldError(("dimension",), f"{what}, not of {self.dimension}", hint=f"set dimension: {known}")
        for field in ("train", "test"):
            try:
                self.measure.check(getattr(self, field), self.dimension)
            except FieldError as error:
                raise FieldError((field,), error.what, hint=error.hint) from None
        if self.noise and self.target.task is not Task.REGRESSION:
            what = f"{self.target.name()} gives labels, to which no noise can be added"
            raise FieldError(("noise",), what, hint="leave noise out, or set it to 0")

    @property
    def task(self) -> Task:
        return self.target.task

    @property
    def num_inputs(self) -> int:
        return self.dimension

    @property
    def num_outputs(self) -> int:
        return 1

    @property
    def bounds(self) -> tuple[float, float]:
        return self.measure.bounds()

    def label(self) -> str:
        return self.target.label()

    def load(self) -> Dataset:
        def draw(split: str, num_points: int) -> tuple[np.ndarray, np.ndarray]:
            inputs_PD = self.measure.sample(num_points, self.dimension, stream(self.identity, split, "inputs"))
            return inputs_PD, self.target(inputs_PD)[:, None]

        train_inputs_PD, train_targets_PK = draw("train", self.train)
        rule = self._test_rule()
        if rule is None:
            test_inputs_PD, test_targets_PK = draw("test", self.test)
        else:
            test_inputs_PD = rule[0].numpy()
            test_targets_PK = self.target(test_inputs_PD)[:, None]
        errors_PK = stream(self.identity, "train", "noise").standard_normal(train_targets_PK.shape)
        return Dataset(
            torch.from_numpy(train_inputs_PD),
            torch.from_numpy(train_targets_PK + self.noise * errors_PK),
            torch.from_numpy(test_inputs_PD),
            torch.from_numpy(test_targets_PK),
            None if rule is None else rule[1],
        )

    def _test_rule(self) -> Rule | None:
        """Right and wrong answers jump at places that no rule knows: they are counted in a sample."""
        if self.task is not Task.REGRESSION:
            return None
        return self.measure.rule(self.test, self.dimension, self.target.breaks(), self.seed)


@final
@dataclass(frozen=True)
class TableProblem(Problem):
    """A real table, split at random into training and held-out rows."""

    data: Data
    train: int
    test: int
    seed: int

    def __post_init__(self) -> None:
        rows = self.data.num_rows
        if self.train >= rows:
            what = f"{self.train} training rows leave none of the {rows} of {self.data.label()} for the test"
            raise FieldError(("train",), what, hint="lower train")
        if self.train + self.test > rows:
            raise FieldError(
                ("train",),
                f"{self.train} training and {self.test} test rows are more than the {rows} of {self.data.label()}",
                hint="lower train or test",
            )

    @property
    def task(self) -> Task:
        return self.data.task

    @property
    def num_inputs(self) -> int:
        return self.data.num_inputs

    @property
    def num_outputs(self) -> int:
        return self.data.num_outputs

    @property
    def bounds(self) -> tuple[float, float]:
        return self.data.bounds

    def label(self) -> str:
        return self.data.label()

    def load(self) -> Dataset:
        order = stream(self.identity, "split").permutation(self.data.num_rows)
        train_rows, test_rows = order[: self.train], order[self.train : self.train + self.test]
        train, test = self.data.split(train_rows, test_rows)
        return Dataset(*(torch.from_numpy(array) for array in (*train, *test)))
