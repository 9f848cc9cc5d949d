"""What a diagnostic may look at: one pack at one step."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.models.model import Model
from pipeline.numerics.spectra import singular_values
from pipeline.optimizers.rules import Optimizer
from pipeline.problems.losses import Loss, Task
from pipeline.problems.problem import Dataset


@dataclass(frozen=True)
class Learned:
    """What the trials of a pack share, prepared once in float64: the problem, the model, the points."""

    model: Model
    width: int
    optimizer: Optimizer
    loss: Loss
    task: Task
    dataset: Dataset

    @property
    def num_outputs(self) -> int:
        """K."""
        return self.dataset.train_targets_PK.shape[1]

    @functools.cached_property
    def train_prepared_CP(self) -> Tensor:
        """Training inputs, prepared for the model."""
        return self.model.prepare(self.dataset.train_inputs_PD, self.width)

    @functools.cached_property
    def test_prepared_CP(self) -> Tensor:
        """Held-out inputs, prepared for the model."""
        return self.model.prepare(self.dataset.test_inputs_PD, self.width)

    @functools.cached_property
    def linear_singular_values_1S(self) -> Tensor:
        """Singular values of the one feature matrix of a linear model."""
        return singular_values(self.train_prepared_CP.mT[None])

    @functools.cached_property
    def least_squares_KF(self) -> Tensor:
        """The shortest weights of a linear model that minimise the square loss."""
        solution_FK = torch.linalg.lstsq(
            self.train_prepared_CP.mT.cpu(), self.dataset.train_targets_PK.cpu(), driver="gelsd"
        ).solution
        return solution_FK.mT.to(self.train_prepared_CP.device)


@dataclass(frozen=True)
class Snapshot:
    """One pack at one step: weights, losses and gradients of its trials."""

    learned: Learned
    step: int
    weights_TN: Tensor
    losses_T: Tensor
    gradient_TN: Tensor

    @functools.cached_property
    def features_TPF(self) -> Tensor:
        """Feature matrices on the training points in float64: ``[T, P, F]``, or ``[1, P, F]`` if the model is linear."""
        learned = self.learned
        return learned.model.features(
            self.weights_TN.double(), learned.train_prepared_CP, learned.width, learned.num_outputs
        )

    @functools.cached_property
    def singular_values_TS(self) -> Tensor:
        """Singular values of the feature matrices, largest first."""
        if self.learned.model.linear:
            return self.learned.linear_singular_values_1S.expand(len(self.weights_TN), -1)
        return singular_values(self.features_TPF)

    @property
    def feature_shape(self) -> tuple[int, int]:
        """P and F."""
        return self.features_TPF.shape[1], self.features_TPF.shape[2]

    @functools.cached_property
    def test_outputs_TKP(self) -> Tensor:
        """Outputs at the held-out points, in float64."""
        learned = self.learned
        return learned.model.outputs(
            self.weights_TN.double(), learned.test_prepared_CP, learned.width, learned.num_outputs
        )
