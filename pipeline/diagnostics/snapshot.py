"""What a diagnostic may look at: one pack at one step."""

from __future__ import annotations

import dataclasses
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
    """What the trials of a pack share: the problem, the model, and the points prepared for it.

    The model is fitted to the training points. Points are kept in float64, and once more
    in the dtype of the training.
    """

    model: Model
    width: int
    optimizer: Optimizer
    loss: Loss
    task: Task
    dataset: Dataset
    dtype: torch.dtype

    def __post_init__(self) -> None:
        fitted = self.model.fitted(self.dataset.train_inputs_PD, self.dataset.train_targets_PK, self.width)
        object.__setattr__(self, "model", fitted)

    def on(self, device: torch.device) -> Learned:
        """The same with its points on a device."""
        dataset = self.dataset
        if dataset.train_inputs_PD.device == device:
            return self
        fields = dataclasses.fields(dataset)
        moved = Dataset(*(getattr(dataset, field.name).to(device) for field in fields))
        return dataclasses.replace(self, dataset=moved)

    @property
    def num_points(self) -> int:
        """P, training points."""
        return len(self.dataset.train_inputs_PD)

    @property
    def num_outputs(self) -> int:
        """K."""
        return self.dataset.train_targets_PK.shape[1]

    @functools.cached_property
    def prepared_CP(self) -> Tensor:
        """Training inputs, prepared for the model, in float64."""
        return self.model.prepare(self.dataset.train_inputs_PD, self.width)

    @functools.cached_property
    def test_prepared_CP(self) -> Tensor:
        """Held-out inputs, prepared for the model, in the dtype of the training."""
        return self.model.prepare(self.dataset.test_inputs_PD, self.width).to(self.dtype)

    @functools.cached_property
    def linear_features_1PF(self) -> Tensor:
        """The one feature matrix of a linear model."""
        return self.prepared_CP.mT[None]

    @functools.cached_property
    def linear_singular_values_1S(self) -> Tensor:
        """Singular values of the one feature matrix of a linear model."""
        return singular_values(self.linear_features_1PF)

    @functools.cached_property
    def largest_stable_learning_rate(self) -> float:
        """Rate below which descent converges, for a linear model.

        The Hessian of the square loss (half the mean) is ``X^T X / P`` for each output;
        the curvature of another loss is at most ``largest_curvature`` times that.

        Raises:
            ValueError: If the optimizer has no such limit.
        """
        factor = self.optimizer.stability_factor()
        if factor is None:
            raise ValueError(f"{self.optimizer.name()} has no stability limit")
        largest = self.linear_singular_values_1S[0, 0].square() / self.num_points
        return float(factor / (self.loss.largest_curvature * largest))  # infinite for a matrix of zeros

    @functools.cached_property
    def least_squares_KF(self) -> Tensor:
        """The weights of a linear model that minimise the square loss; the shortest where there are many.

        By the singular value decomposition, with singular values below rounding taken as
        zero, as numpy.linalg.lstsq does.
        """
        features_PF, targets_PK = self.linear_features_1PF[0].cpu(), self.dataset.train_targets_PK.cpu()
        cutoff = max(features_PF.shape) * torch.finfo(torch.float64).eps
        solution_FK = torch.linalg.lstsq(features_PF, targets_PK, rcond=cutoff, driver="gelsd").solution
        return solution_FK.mT.contiguous().to(self.prepared_CP.device)


@dataclass(frozen=True)
class Snapshot:
    """One pack, or some of its trials, at one step: weights, losses and gradients."""

    learned: Learned
    step: int
    weights_TN: Tensor
    losses_T: Tensor
    gradient_TN: Tensor

    @functools.cached_property
    def features_TPF(self) -> Tensor:
        """Feature matrices on the training points in float64: ``[T, P, F]``, or ``[1, P, F]`` if linear."""
        learned = self.learned
        if learned.model.linear:
            return learned.linear_features_1PF
        return learned.model.features(self.weights_TN.double(), learned.prepared_CP, learned.width, learned.num_outputs)

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
        """Outputs at the held-out points, computed in the dtype of the training."""
        learned = self.learned
        return learned.model.outputs(self.weights_TN, learned.test_prepared_CP, learned.width, learned.num_outputs)
