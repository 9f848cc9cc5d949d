"""Context of a pack, shared by its trials: problem, model and prepared points.

Shape letters: E estimates.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.models.model import Model
from pipeline.numerics.descent import ModalDecomposition, modal_decomposition
from pipeline.numerics.error_decomposition import Projection, precise_product, project
from pipeline.numerics.mean_square_stability import mean_square_limit
from pipeline.numerics.spectra import singular_values
from pipeline.optimizers.rules import Optimizer
from pipeline.optimizers.stability_limits import Limit, limit_of
from pipeline.problems.losses import Loss, Task
from pipeline.problems.problem import Dataset


@dataclass(frozen=True)
class PackContext:
    """Everything that the trials of a pack have in common: problem, model, and the points prepared for it.

    The model is fitted to the training points. Points are kept in float64, and once more
    in the dtype of the training.

    Args:
        model: Model of the trials, before it is fitted.
        width: W.
        optimizer: Update rule or solver.
        loss: Loss of the training.
        task: What the outputs mean.
        dataset: Training and held-out points, float64.
        dtype: Dtype of the training.
        rounded: Whether an engine may round the factors of matrix products to tf32, which has 11 bits.
        batch_size: Points of a step; ``None``: all.
    """

    model: Model
    width: int
    optimizer: Optimizer
    loss: Loss
    task: Task
    dataset: Dataset
    dtype: torch.dtype
    rounded: bool = False
    batch_size: int | None = None

    def __post_init__(self) -> None:
        fitted = self.model.fitted(self.dataset.train_inputs_PD, self.dataset.train_targets_PK, self.width)
        object.__setattr__(self, "model", fitted)  # frozen from here on

    def on(self, device: torch.device) -> PackContext:
        """The same context with its points on a device."""
        if self.dataset.train_inputs_PD.device == device:
            return self
        return dataclasses.replace(self, dataset=self.dataset.on(device))

    @property
    def num_points(self) -> int:
        """P, training points."""
        return len(self.dataset.train_inputs_PD)

    @property
    def num_outputs(self) -> int:
        """K, outputs."""
        return self.dataset.train_targets_PK.shape[1]

    @functools.cached_property
    def prepared_AP(self) -> Tensor:
        """Training inputs, prepared for the model, float64."""
        return self.model.prepare(self.dataset.train_inputs_PD, self.width)

    @functools.cached_property
    def test_prepared_AP(self) -> Tensor:
        """Held-out inputs, prepared for the model, in the dtype of the training."""
        return self.model.prepare(self.dataset.test_inputs_PD, self.width).to(self.dtype)

    @functools.cached_property
    def precise_test_prepared_AP(self) -> Tensor:
        """Held-out inputs, prepared for the model, float64."""
        if self.dtype is torch.float64:
            return self.test_prepared_AP
        return self.model.prepare(self.dataset.test_inputs_PD, self.width)

    @functools.cached_property
    def test_weights_P(self) -> Tensor:
        """Weight of each held-out point in a mean over the distribution of the inputs; equal in a sample."""
        rows_EP, targets_PK = self.dataset.test_weights_EP, self.dataset.test_targets_PK
        return torch.full_like(targets_PK[:, 0], 1 / len(targets_PK)) if rows_EP is None else rows_EP.mean(dim=0)

    @functools.cached_property
    def linear_features_1PF(self) -> Tensor:
        """Feature matrix of a linear model, the same for all trials."""
        return self.prepared_AP.mT[None]

    @functools.cached_property
    def linear_singular_values_1S(self) -> Tensor:
        """Singular values of the feature matrix of a linear model, largest first."""
        return singular_values(self.linear_features_1PF)

    @functools.cached_property
    def decomposition(self) -> ModalDecomposition:
        """Modes of a linear model under the square loss, at zero weights, where training starts."""
        return modal_decomposition(self.linear_features_1PF[0], -self.dataset.train_targets_PK)

    @functools.cached_property
    def largest_stable_learning_rate(self) -> float:
        """Stability limit of the learning rate of a linear model, which means what ``limit_of`` says; NaN for none.

        The Hessian of the square loss (half the mean) is ``X^T X / P`` for each output;
        the curvature of another loss is at most ``largest_curvature`` times that.
        """
        limit = limit_of(self.optimizer, self.loss, linear=self.model.linear, minibatches=self.batch_size is not None)
        factor = self.optimizer.stability_factor()
        if limit is None or factor is None:
            return math.nan
        if limit is Limit.MEAN_SQUARE:
            assert self.batch_size is not None
            return mean_square_limit(self.linear_features_1PF[0], self.batch_size)
        largest = self.linear_singular_values_1S[0, 0].square() / self.num_points
        return float(factor / (self.loss.largest_curvature * largest))  # infinite for a matrix of zeros

    @functools.cached_property
    def least_squares_KF(self) -> Tensor:
        """Minimum-norm least-squares weights of a linear model.

        By the singular value decomposition, with singular values below rounding taken as
        zero, as numpy.linalg.lstsq does.
        """
        features_PF, targets_PK = self.linear_features_1PF[0].cpu(), self.dataset.train_targets_PK.cpu()
        cutoff = max(features_PF.shape) * torch.finfo(torch.float64).eps
        solution_FK = torch.linalg.lstsq(features_PF, targets_PK, rcond=cutoff, driver="gelsd").solution
        return solution_FK.mT.contiguous().to(self.prepared_AP.device)

    @functools.cached_property
    def linear_projection(self) -> Projection:
        """Projection of the targets on the features of a linear model, under the distribution of the inputs."""
        features_1PF = self.precise_test_prepared_AP.mT[None]
        return project(features_1PF, self.dataset.test_targets_PK, self.test_weights_P)

    @functools.cached_property
    def linear_fit_1PK(self) -> Tensor:
        """Least-squares fit of a linear model on the training points, at the held-out ones."""
        return self.precise_outputs(self.precise_test_prepared_AP.mT[None], self.least_squares_KF.mT[None])

    def precise_outputs(self, features_TPF: Tensor, weights_TFK: Tensor) -> Tensor:
        """Outputs ``X w`` with more digits than training has: in float64, or beyond it, which takes many times as long.

        Args:
            features_TPF: X, float64.
            weights_TFK: w, float64.

        Returns:
            Shape ``[T, P, K]``, float64.
        """
        if self.dtype is torch.float64:
            return precise_product(features_TPF, weights_TFK)
        return features_TPF @ weights_TFK
