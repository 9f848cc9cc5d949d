"""The engine that does not iterate: weights after any number of steps from one singular value decomposition."""

from __future__ import annotations

from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Engine, Stack
from pipeline.engines.reference.engine import Reference
from pipeline.experiment.resources import elements_of_chunk
from pipeline.numerics.descent import displacement_and_velocity, first_step_above, modal_decomposition

NUMBERS_OF_MODE = 9
"""Numbers that one mode of one trial takes at most: a matrix of 3 x 3."""


@final
class ClosedForm(Engine):
    """Gradient descent, momentum and Nesterov of linear models on all points under the square loss, in closed form.

    In the basis of the right singular vectors of the features every mode follows a linear recurrence of its own, so
    that the weights after h steps are ``w_h = -rate * sum_s d_s(h) <g_0, v_s> v_s``, with ``g_0`` the gradient at
    zero and ``d_s(h)`` from ``numerics.descent``. Weights and slots come from step 0 each time, where linear models
    are zero, so that it makes no difference where a training was interrupted. What the features do not see of the
    weights stays zero.
    """

    name: ClassVar[str] = "closed_form"

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        recurrence = context.optimizer.on_quadratics()
        assert recurrence is not None, "as the experiment has checked"
        assert context.model.linear, "as the experiment has checked"
        assert batch_size is None, "as the experiment has checked"
        self.recurrence = recurrence
        self.reference = Reference(context, None, device)
        features_PF, targets_PK = context.linear_features_1PF[0], context.dataset.train_targets_PK
        self.modes, _, self.directions_SF = modal_decomposition(features_PF, -targets_PK)
        first_gradient_KF = -targets_PK.mT @ features_PF / context.num_points
        self.gradient_KS = first_gradient_KF @ self.directions_SF.mT
        self.chunk = max(1, elements_of_chunk(device.type, 8) // (NUMBERS_OF_MODE * len(self.directions_SF)))

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        return self.reference.value_and_gradient(weights_TN)

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        # In chunks, because every mode of every trial has matrices of its own while powers are taken.
        places = range(0, len(stack), self.chunk)
        parts = [stack.part(place, place + self.chunk) for place in places]
        return torch.cat([self._advance(part, first_step, last_step) for part in parts])

    def _advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        rates_T, bounds_T = stack.learning_rates_T1[:, 0].double(), stack.loss_bounds_T.double()
        # The reference looks at the loss before each update; that after the last belongs to the next segment.
        diverged_T = first_step_above(self.modes, rates_T, bounds_T, first_step, last_step - 1, *self.recurrence)
        distance_TS, velocity_TS = displacement_and_velocity(
            self.modes.eigenvalues_S, rates_T, last_step, *self.recurrence
        )
        stack.weights_TN.copy_(self._in_weights(-rates_T[:, None] * distance_TS))
        for slot_TN in stack.slots:  # the velocity, where there is any
            slot_TN.copy_(self._in_weights(velocity_TS))
        return diverged_T.cpu()

    def _in_weights(self, factors_TS: Tensor) -> Tensor:
        """The first gradient with each of its modes multiplied by a factor, shape ``[T, N]``."""
        parts_TKS = factors_TS[:, None] * self.gradient_KS
        parts_TKS = torch.where(self.gradient_KS == 0, 0.0, parts_TKS)  # nothing times infinity
        return (parts_TKS @ self.directions_SF).flatten(1)
