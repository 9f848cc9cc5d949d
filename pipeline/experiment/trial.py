"""Trials: the points of an experiment's product of axes, and the id that everything about one hangs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from pipeline.experiment.precision import STORED, Dtype
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss
from pipeline.problems.problem import Problem

DIVERGED_ABOVE: Final = 1e10
"""Divergence threshold: a trial has diverged once its loss is not finite or above this times (1 + that at step 0)."""


@dataclass(frozen=True)
class TimesLimit:
    """A learning rate as a multiple of the predicted stability limit: 2 / lambda_max for full-batch gradient descent.

    Args:
        times_limit: The multiple.
    """

    times_limit: float

    def label(self) -> str:
        return f"{self.times_limit:g} x limit"


LearningRate = float | TimesLimit | None


@dataclass(frozen=True, eq=False)
class Shape:
    """What the trials of a pack have in common: everything but learning rate and seed."""

    problem: Problem
    model: Model
    width: int
    optimizer: Optimizer
    loss: Loss
    steps: int
    batch_size: int | None
    dtype: Dtype

    @property
    def stored(self) -> Literal["float32", "float64"]:
        """What each number of a trial is kept in."""
        return STORED[self.dtype]

    @property
    def draws_from_seed(self) -> bool:
        """Whether trials of two seeds differ: in initial weights, in minibatches, or in what the optimizer draws."""
        return self.model.draws_weights or self.batch_size is not None or self.optimizer.draws_from_seed

    @property
    def num_weights(self) -> int:
        """N, the weights of one trial."""
        return self.model.num_weights(self.width, self.problem.num_inputs, self.problem.num_outputs)


class Trial(NamedTuple):
    """The smallest thing trained.

    ``id`` is the SHA-256 of the whole canonical content: shape, learning rate and seed,
    every default included. What is observed of a trial, and when, is the experiment's:
    looking at a trial does not make it another one.
    """

    id: str
    shape: Shape
    learning_rate: LearningRate
    seed: int
