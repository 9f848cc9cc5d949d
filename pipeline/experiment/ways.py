"""Ways of training: what trials of one problem, model and width may differ in besides learning rate and seed."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.experiment.precision import Dtype
from pipeline.models.model import Model
from pipeline.optimizers.rules import Optimizer

TRAINING_AXES = ("optimizer", "batch_size", "dtype", "steps")
"""Fields of an experiment that say how a model is trained: one value, or an axis in a list."""


class Way(NamedTuple):
    """One way of training.

    Args:
        optimizer: The rule or solver.
        batch_size: Points of a minibatch; ``None`` for all.
        dtype: Precision of the arithmetic.
        steps: Updates.
    """

    optimizer: Optimizer
    batch_size: int | None
    dtype: Dtype
    steps: int

    def draws_for(self, model: Model) -> bool:
        """Whether trials of two seeds differ on the same points: in what the model draws, or in the steps."""
        in_steps = self.batch_size is not None or self.optimizer.draws_from_seed
        return model.draws_weights or model.draws_features or in_steps
