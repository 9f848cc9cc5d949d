"""What a model is to the rest: a stack of flat weights in, a stack of outputs out.

The weights of a pack are one tensor ``[T, N]``: trials first, the weights of a trial
flattened, so that an optimizer is elementwise arithmetic. Outputs are ``[T, K, P]``,
points last, so that losses run along contiguous memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.definitions import Definition
from pipeline.problems.problem import Problem


class Model(Definition, ABC):
    """A family of functions from D inputs to K outputs, one for each width."""

    linear: ClassVar[bool]
    """Whether the outputs are linear in the weights, so that the loss of a square error is a quadratic."""

    @abstractmethod
    def num_weights(self, width: int, num_inputs: int, num_outputs: int) -> int:
        """N, all that one trial learns."""

    @abstractmethod
    def initial_weights(
        self, width: int, num_inputs: int, num_outputs: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Weights at step 0, shape ``[N]``."""

    def check(self, width: int, problem: Problem) -> None:
        """Raise a ``FieldError`` for a width that this model cannot have, or a problem that it cannot learn."""

    def defined_at(self, inputs_PD: Tensor) -> Tensor:
        """Whether the model has a value at each point, shape ``[P]``; most have one everywhere."""
        return inputs_PD.new_ones(len(inputs_PD), dtype=torch.bool)

    def fitted(self, inputs_PD: Tensor, targets_PK: Tensor, width: int) -> Model:
        """This model with whatever it chooses from the training points; most choose nothing and stay as they are."""
        return self

    def kinks(self, weights_TN: Tensor, width: int, num_outputs: int) -> Tensor | None:
        """Where along the only input outputs are not smooth, shape ``[T, M]``, or ``[1, M]`` for all trials.

        ``None`` where they are smooth everywhere; some may lie outside of the inputs, infinite or NaN.
        """
        return None

    @abstractmethod
    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        """Whatever of the inputs does not depend on weights, computed once: shape ``[C, P]``."""

    @abstractmethod
    def features(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        """Columns that the last weights combine, the constant one of a bias included: ``[T, P, F]``.

        A linear model has one feature matrix for all trials: ``[1, P, F]``.
        """

    @abstractmethod
    def outputs(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        """Outputs (logits) of every trial at every point, shape ``[T, K, P]``; prepared may also be ``[T, C, P]``."""
