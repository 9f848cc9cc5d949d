"""What a diagnostic may look at: one pack at one step."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.diagnostics.unlocked_cached_property import unlocked_cached_property
from pipeline.models.curvature import Curvature, curvature
from pipeline.models.model import Model
from pipeline.numerics.descent import ModalDecomposition, modal_decomposition
from pipeline.numerics.error_decomposition import ErrorParts, Projection, error_parts, precise_product, project
from pipeline.numerics.largest_eigenvalues import RitzPairs, concatenated, largest_eigenvalues, start_vectors
from pipeline.numerics.least_squares import least_squares
from pipeline.numerics.mean_square_stability import mean_square_limit
from pipeline.numerics.spectra import of_well_scaled, singular_values
from pipeline.optimizers.rules import Optimizer
from pipeline.optimizers.stability_limits import Limit, limit_of
from pipeline.problems.losses import Loss, Task
from pipeline.problems.problem import Dataset

CURVED_ELEMENTS = 1 << 15
"""Numbers in one buffer of the few trials whose second derivatives are looked at together: 256 KiB, six of them stay
in cache. Measured at 64 points and width 16: 0.7 ms a trial for its largest eigenvalue, 0.9 ms in one stack of 1,000.
"""

MOST_JACOBIAN_ELEMENTS = 1 << 22
"""Numbers in the largest Jacobian that is decomposed, 32 MiB; a larger one takes seconds a trial."""


@dataclass(frozen=True)
class PackContext:
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
    rounded: bool = False
    """Whether an engine may round what products of matrices are made of to tf32, which has 11 bits."""
    batch_size: int | None = None
    """Points of a step; ``None``: all."""

    def __post_init__(self) -> None:
        fitted = self.model.fitted(self.dataset.train_inputs_PD, self.dataset.train_targets_PK, self.width)
        object.__setattr__(self, "model", fitted)

    def on(self, device: torch.device) -> PackContext:
        """The same with its points on a device."""
        if self.dataset.train_inputs_PD.device == device:
            return self
        return dataclasses.replace(self, dataset=self.dataset.on(device))

    @property
    def num_points(self) -> int:
        """P, training points."""
        return len(self.dataset.train_inputs_PD)

    @property
    def num_outputs(self) -> int:
        """K."""
        return self.dataset.train_targets_PK.shape[1]

    @functools.cached_property
    def prepared_AP(self) -> Tensor:
        """Training inputs, prepared for the model, in float64."""
        return self.model.prepare(self.dataset.train_inputs_PD, self.width)

    @functools.cached_property
    def test_prepared_AP(self) -> Tensor:
        """Held-out inputs, prepared for the model, in the dtype of the training."""
        return self.model.prepare(self.dataset.test_inputs_PD, self.width).to(self.dtype)

    @functools.cached_property
    def precise_test_prepared_AP(self) -> Tensor:
        """The same in float64."""
        if self.dtype is torch.float64:
            return self.test_prepared_AP
        return self.model.prepare(self.dataset.test_inputs_PD, self.width)

    @functools.cached_property
    def test_weights_P(self) -> Tensor:
        """What each held-out point counts in a mean over the law of the inputs; all alike in a sample."""
        rows_EP, targets_PK = self.dataset.test_weights_EP, self.dataset.test_targets_PK
        return torch.full_like(targets_PK[:, 0], 1 / len(targets_PK)) if rows_EP is None else rows_EP.mean(dim=0)

    @functools.cached_property
    def linear_features_1PF(self) -> Tensor:
        """The one feature matrix of a linear model."""
        return self.prepared_AP.mT[None]

    @functools.cached_property
    def linear_singular_values_1S(self) -> Tensor:
        """Singular values of the one feature matrix of a linear model."""
        return singular_values(self.linear_features_1PF)

    @functools.cached_property
    def decomposition(self) -> ModalDecomposition:
        """The modes of a linear model under the square loss, as they are at zero weights, where training starts."""
        return modal_decomposition(self.linear_features_1PF[0], -self.dataset.train_targets_PK)

    @functools.cached_property
    def largest_stable_learning_rate(self) -> float:
        """The limit of the learning rate of a linear model, which means what ``limit_of`` says; NaN for none.

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
        """The weights of a linear model that minimise the square loss; the shortest where there are many.

        By the singular value decomposition, with singular values below rounding taken as
        zero, as numpy.linalg.lstsq does.
        """
        features_PF, targets_PK = self.linear_features_1PF[0].cpu(), self.dataset.train_targets_PK.cpu()
        cutoff = max(features_PF.shape) * torch.finfo(torch.float64).eps
        solution_FK = torch.linalg.lstsq(features_PF, targets_PK, rcond=cutoff, driver="gelsd").solution
        return solution_FK.mT.contiguous().to(self.prepared_AP.device)

    @functools.cached_property
    def linear_projection(self) -> Projection:
        """Of a linear model the combination of features that is best under the law of the inputs."""
        features_1PF = self.precise_test_prepared_AP.mT[None]
        return project(features_1PF, self.dataset.test_targets_PK, self.test_weights_P)

    @functools.cached_property
    def linear_fit_1PK(self) -> Tensor:
        """Of a linear model the combination that is best on the training points, at the held-out ones."""
        return self.precise_outputs(self.precise_test_prepared_AP.mT[None], self.least_squares_KF.mT[None])

    def precise_outputs(self, features_TPF: Tensor, weights_TFK: Tensor) -> Tensor:
        """Outputs with more digits than training has: float64, or what is beyond it, which takes many times as long."""
        if self.dtype is torch.float64:
            return precise_product(features_TPF, weights_TFK)
        return features_TPF @ weights_TFK


@dataclass(frozen=True)
class Shortcuts:
    """What an engine computes of weights ``[T, N]`` faster than stacked tensors; ``None`` where it has nothing."""

    features: Callable[[Tensor], Tensor] | None = None
    """At weights in float64: feature matrices on the training points, ``[T, P, F]``."""
    test_outputs: Callable[[Tensor], Tensor] | None = None
    """At weights in the dtype of the training: outputs at the held-out points, ``[T, K, P]``."""
    singular_values: Callable[[Tensor], Tensor] = of_well_scaled
    """Of ordinary matrices in float64, as ``spectra.singular_values`` asks for them."""
    top_of_hessian: Callable[[Tensor], RitzPairs] | None = None
    """At weights in float64: the largest eigenvalues of Hessians."""


@dataclass(frozen=True)
class Snapshot:
    """One pack, or some of its trials, at one step: weights, losses, gradients, learning rates."""

    context: PackContext
    step: int
    weights_TN: Tensor
    losses_T: Tensor
    gradient_TN: Tensor
    learning_rates_T: Tensor
    """NaN for a solver that has none."""
    draw_initial_weights: Callable[[], Tensor]
    """Draws the weights of these trials at step 0 again, shape ``[T, N]``; few diagnostics ask."""
    shortcuts: Shortcuts = Shortcuts()

    @unlocked_cached_property
    def at_start(self) -> Snapshot:
        """The same trials at step 0; losses and gradients are not those of then, which nobody needs."""
        initial_TN = self.draw_initial_weights().to(self.weights_TN)
        return dataclasses.replace(self, step=0, weights_TN=initial_TN)

    @unlocked_cached_property
    def features_TPF(self) -> Tensor:
        """Feature matrices on the training points in float64: ``[T, P, F]``, or ``[1, P, F]`` if linear."""
        context = self.context
        if context.model.linear:
            return context.linear_features_1PF
        if self.shortcuts.features is not None:
            return self.shortcuts.features(self.weights_TN.double())
        return context.model.features(self.weights_TN.double(), context.prepared_AP, context.width, context.num_outputs)

    @unlocked_cached_property
    def singular_values_TS(self) -> Tensor:
        """Singular values of the feature matrices, largest first."""
        if self.context.model.linear:
            return self.context.linear_singular_values_1S.expand(len(self.weights_TN), -1)
        return singular_values(self.features_TPF, self.shortcuts.singular_values)

    @property
    def feature_shape(self) -> tuple[int, int]:
        """P and F."""
        return self.features_TPF.shape[1], self.features_TPF.shape[2]

    @unlocked_cached_property
    def test_outputs_TKP(self) -> Tensor:
        """Outputs at the held-out points, computed in the dtype of the training."""
        context = self.context
        if self.shortcuts.test_outputs is not None:
            return self.shortcuts.test_outputs(self.weights_TN)
        return context.model.outputs(self.weights_TN, context.test_prepared_AP, context.width, context.num_outputs)

    @unlocked_cached_property
    def error_parts(self) -> ErrorParts:
        """What approximation, sampling, optimisation and rounding add to the mean square of the held-out errors.

        Of features as they are now: those of a network may become better.
        """
        context = self.context
        elements = (context.width + 1) * max(context.num_points, len(context.dataset.test_inputs_PD))
        trials = range(0, len(self.weights_TN), max(1, CURVED_ELEMENTS // elements))
        parts = [self._error_parts(slice(first, first + trials.step)) for first in trials]
        return ErrorParts(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _error_parts(self, some: slice) -> ErrorParts:
        context, weights_TN = self.context, self.weights_TN[some].double()
        model, width, targets_PK = context.model, context.width, context.dataset.test_targets_PK
        features_TPF = model.features(weights_TN, context.precise_test_prepared_AP, width, context.num_outputs)
        if model.linear:
            best, fitted_TPK = context.linear_projection, context.linear_fit_1PK
        else:
            best = project(features_TPF, targets_PK, context.test_weights_P)
            solution_TFK = least_squares(self.features_TPF[some], context.dataset.train_targets_PK).solution_TFK
            fitted_TPK = context.precise_outputs(features_TPF, solution_TFK)
        output_TN = weights_TN[:, -context.num_outputs * features_TPF.shape[2] :]
        output_TKF = output_TN.unflatten(1, (context.num_outputs, -1))
        learned_TPK = context.precise_outputs(features_TPF, output_TKF.mT)
        evaluated_TPK = self.test_outputs_TKP[some].mT
        parts = error_parts(best, fitted_TPK, learned_TPK, evaluated_TPK, targets_PK, context.test_weights_P)
        return ErrorParts(*(part.expand(len(weights_TN)) for part in parts))

    def curvatures(self, elements_of_trial: int | None = None) -> Iterator[Curvature]:
        """Second derivatives of the training loss in float64, of a few trials at a time, in their order.

        Args:
            elements_of_trial: Numbers in the largest tensor that is made of one trial; if not said, in its hidden
                units at all points, or its weights where those are more.
        """
        context, num_weights = self.context, self.weights_TN.shape[1]
        rows = context.num_outputs if context.model.linear else context.width
        chunk = max(1, CURVED_ELEMENTS // (elements_of_trial or max(rows * context.num_points, num_weights)))
        targets_KP = context.dataset.train_targets_PK.mT.contiguous()
        for weights_TN in self.weights_TN.split(chunk):
            weights_TN = weights_TN.double()
            yield curvature(context.model, context.loss, weights_TN, context.prepared_AP, targets_KP, context.width)

    @unlocked_cached_property
    def top_of_hessian(self) -> RitzPairs:
        """The largest eigenvalue of each Hessian, from one start vector, so that a trial's number is its own."""
        if self.shortcuts.top_of_hessian is not None:
            return self.shortcuts.top_of_hessian(self.weights_TN.double())
        start_N = start_vectors(1, self.weights_TN.shape[1]).to(self.weights_TN.device)[0]
        parts = [
            largest_eigenvalues(curved.product, start_N.expand(len(curved.outputs_TKP), -1))
            for curved in self.curvatures()
        ]
        return concatenated(parts)

    @property
    def jacobian_shape(self) -> tuple[int, int]:
        """Weights N, and outputs times points K P."""
        return self.weights_TN.shape[1], self.context.num_outputs * self.context.num_points

    @unlocked_cached_property
    def jacobian_singular_values_TS(self) -> Tensor:
        """Singular values of the Jacobian of all outputs in all weights, largest first; NaN if it is too large.

        Their squares are the eigenvalues of the tangent kernel.
        """
        if self.context.model.linear:  # one block of features for each output
            of_block_TS = self.singular_values_TS
            return of_block_TS.repeat_interleave(self.context.num_outputs, dim=1)
        return self._singular_values(lambda curved: curved.jacobian())

    @unlocked_cached_property
    def gauss_newton_root_singular_values_TS(self) -> Tensor:
        """Square roots of the eigenvalues of the Gauss-Newton matrix, largest first; NaN if it is too large."""
        return self._singular_values(lambda curved: curved.gauss_newton_root())

    def _singular_values(self, matrix: Callable[[Curvature], Tensor]) -> Tensor:
        elements, num_values = math.prod(self.jacobian_shape), min(self.jacobian_shape)
        if elements > MOST_JACOBIAN_ELEMENTS:
            return self.weights_TN.new_full((len(self.weights_TN), num_values), torch.nan, dtype=torch.float64)
        parts = [
            singular_values(matrix(curved).flatten(2).mT, self.shortcuts.singular_values)
            for curved in self.curvatures(elements)
        ]
        return torch.cat(parts)
