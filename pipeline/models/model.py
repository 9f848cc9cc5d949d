"""Models as the other rooms see them: a stack of flat weights in, a stack of outputs out.

The weights of a pack are one tensor ``[T, N]``: trials first, the weights of a trial
flattened, so that an optimizer is elementwise arithmetic. Outputs are ``[T, K, P]``,
points last, so that losses run along contiguous memory.

Shape letters: M kinks.
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
    """Family of functions from D inputs to K outputs, one member for each width and vector of weights."""

    linear: ClassVar[bool]
    """Whether the outputs are linear in the weights, so that the loss of a square error is a quadratic."""

    draws_weights: ClassVar[bool]
    """Whether its weights at step 0 are drawn, so that every seed starts elsewhere."""

    @property
    def draws_features(self) -> bool:
        """Whether every seed of a trial draws features of its own, before any weight is trained."""
        return False

    def with_seed(self, seed: int) -> Model:
        """The same model, on the features that this seed draws where they are drawn.

        Args:
            seed: Names the stream.

        Returns:
            A model whose features draw from no seed but this.
        """
        return self

    @abstractmethod
    def num_weights(self, width: int, num_inputs: int, num_outputs: int) -> int:
        """N, the number of parameters of one trial.

        Args:
            width: W.
            num_inputs: D.
            num_outputs: K.

        Returns:
            N, at least 1.
        """

    @abstractmethod
    def initial_weights(
        self, width: int, num_inputs: int, num_outputs: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Weights at step 0.

        Args:
            width: W.
            num_inputs: D.
            num_outputs: K.
            rng: Random generator of the trial.

        Returns:
            Shape ``[N]``, float64.
        """

    def check(self, width: int, problem: Problem) -> None:
        """Raise a ``FieldError`` for a width that this model cannot have, or a problem that it cannot learn.

        Args:
            width: W.
            problem: What is to be learned.
        """

    def defined_at(self, inputs_PD: Tensor) -> Tensor:
        """Whether the model has a value at each point; most have one everywhere.

        Args:
            inputs_PD: Points.

        Returns:
            Shape ``[P]``, bool.
        """
        return inputs_PD.new_ones(len(inputs_PD), dtype=torch.bool)

    def fitted(self, inputs_PD: Tensor, targets_PK: Tensor, width: int) -> Model:
        """This model with what it selects from the training points; most select nothing and stay as they are.

        Args:
            inputs_PD: Training inputs, float64.
            targets_PK: Training targets, float64.
            width: W.

        Returns:
            A model whose features are fixed functions of inputs and weights.
        """
        return self

    def kinks(self, weights_TN: Tensor, width: int, num_outputs: int) -> Tensor | None:
        """Kinks along the only input, where outputs are not smooth.

        Args:
            weights_TN: Weights.
            width: W.
            num_outputs: K.

        Returns:
            Shape ``[T, M]``, or ``[1, M]`` for all trials; some may lie outside of the inputs, infinite or NaN.
            ``None`` where outputs are smooth everywhere.
        """
        return None

    @abstractmethod
    def prepare(self, inputs_PD: Tensor, width: int) -> Tensor:
        """Whatever of the inputs does not depend on weights, computed once.

        Args:
            inputs_PD: Inputs.
            width: W.

        Returns:
            Shape ``[A, P]``: of a network the inputs and a row of ones, of a linear model the transposed features.
        """

    @abstractmethod
    def features(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        """Feature matrix X: the columns that the last layer of weights combines, the constant one of a bias included.

        Args:
            weights_TN: Weights.
            prepared_AP: Prepared inputs.
            width: W.
            num_outputs: K.

        Returns:
            Shape ``[T, P, F]``; a linear model has one feature matrix for all trials, ``[1, P, F]``.
        """

    @abstractmethod
    def outputs(self, weights_TN: Tensor, prepared_AP: Tensor, width: int, num_outputs: int) -> Tensor:
        """Outputs (logits) of every trial at every point.

        Args:
            weights_TN: Weights.
            prepared_AP: Prepared inputs, or ``[T, A, P]`` for each trial its own.
            width: W.
            num_outputs: K.

        Returns:
            Shape ``[T, K, P]``.
        """
