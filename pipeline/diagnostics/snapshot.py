"""Snapshot of a pack at one step, from which diagnostics are computed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.unlocked_cached_property import unlocked_cached_property
from pipeline.models.curvature import Curvature, curvature
from pipeline.numerics.error_decomposition import ErrorParts, error_parts, project
from pipeline.numerics.largest_eigenvalues import RitzPairs, concatenated, largest_eigenvalues, start_vectors
from pipeline.numerics.least_squares import least_squares
from pipeline.numerics.spectra import of_well_scaled, singular_values

CURVED_ELEMENTS = 1 << 15
"""Numbers in one buffer of the few trials whose second derivatives are computed together: 256 KiB, six of them stay
in cache. Measured at 64 points and width 16: 0.7 ms a trial for its largest eigenvalue, 0.9 ms in one stack of 1,000.
"""

MOST_JACOBIAN_ELEMENTS = 1 << 22
"""Numbers in the largest Jacobian that is decomposed, 32 MiB; a larger one takes seconds a trial."""


@dataclass(frozen=True)
class Shortcuts:
    """Functions of weights ``[T, N]`` that an engine computes faster than stacked tensors; ``None`` for none."""

    features: Callable[[Tensor], Tensor] | None = None
    """Feature matrices on the training points, ``[T, P, F]``, at weights in float64."""
    test_outputs: Callable[[Tensor], Tensor] | None = None
    """Outputs at the held-out points, ``[T, K, P]``, at weights in the dtype of the training."""
    singular_values: Callable[[Tensor], Tensor] = of_well_scaled
    """Singular values of well-scaled matrices in float64, as ``spectra.singular_values`` calls it."""
    top_of_hessian: Callable[[Tensor], RitzPairs] | None = None
    """Ritz pairs of the Hessians, at weights in float64."""


@dataclass(frozen=True)
class Snapshot:
    """One pack, or some of its trials, at one step: weights, losses, gradients, learning rates.

    Args:
        context: What the trials have in common.
        step: Number of updates made, from 0.
        weights_TN: Weights, in the dtype of the training.
        losses_T: Training losses.
        gradient_TN: Gradients of the training losses.
        learning_rates_T: Learning rates; NaN for a solver that has none.
        draw_initial_weights: Draws the weights of these trials at step 0 again, ``[T, N]``.
        shortcuts: Faster functions of an engine.
    """

    context: PackContext
    step: int
    weights_TN: Tensor
    losses_T: Tensor
    gradient_TN: Tensor
    learning_rates_T: Tensor
    draw_initial_weights: Callable[[], Tensor]
    shortcuts: Shortcuts = Shortcuts()

    @unlocked_cached_property
    def at_start(self) -> Snapshot:
        """Snapshot of the same trials at step 0; losses and gradients are still those of the present step."""
        initial_TN = self.draw_initial_weights().to(self.weights_TN)
        return dataclasses.replace(self, step=0, weights_TN=initial_TN)

    @unlocked_cached_property
    def features_TPF(self) -> Tensor:
        """Feature matrices X on the training points, float64: ``[T, P, F]``, or ``[1, P, F]`` if linear."""
        context = self.context
        if context.model.linear:
            return context.linear_features_1PF
        if self.shortcuts.features is not None:
            return self.shortcuts.features(self.weights_TN.double())
        return context.model.features(self.weights_TN.double(), context.prepared_AP, context.width, context.num_outputs)

    @unlocked_cached_property
    def singular_values_TS(self) -> Tensor:
        """Singular values of the feature matrices, largest first, float64."""
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
        """Parts of the mean squared error on the held-out points: approximation, sampling, optimisation and rounding.

        Of features as they are now: those of a network may become better.
        """
        context = self.context
        elements = (context.width + 1) * max(context.num_points, len(context.dataset.test_inputs_PD))
        trials = range(0, len(self.weights_TN), max(1, CURVED_ELEMENTS // elements))
        parts = [self._error_parts(slice(first, first + trials.step)) for first in trials]
        return ErrorParts(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _error_parts(self, some: slice) -> ErrorParts:
        """Parts of the mean squared error of some of the trials."""
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
        """Second-order expansions of the training loss in float64, of a few trials at a time, in their order.

        Args:
            elements_of_trial: Numbers in the largest tensor of one trial; by default in its hidden
                units at all points, or its weights where those are more.

        Yields:
            The expansions of consecutive chunks of trials.
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
        """Largest eigenvalue of each Hessian, from one start vector, so that a trial's number is its own."""
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
        """N, and K P: weights, and outputs times points."""
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
        """Singular values of a matrix of each trial, ``[T, S]``; NaN if it is too large."""
        elements, num_values = math.prod(self.jacobian_shape), min(self.jacobian_shape)
        if elements > MOST_JACOBIAN_ELEMENTS:
            return self.weights_TN.new_full((len(self.weights_TN), num_values), torch.nan, dtype=torch.float64)
        parts = [
            singular_values(matrix(curved).flatten(2).mT, self.shortcuts.singular_values)
            for curved in self.curvatures(elements)
        ]
        return torch.cat(parts)
