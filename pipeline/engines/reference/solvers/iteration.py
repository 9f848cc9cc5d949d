"""The interface of every solver to an engine: one iteration of some trials at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.reference.gradients import stacked_gradient


class Iteration(ABC):
    """One iteration of each of a few trials.

    All that it knows from one iteration to the next is in weights and slots, so a training
    that is interrupted anywhere goes on to the same numbers. They do not depend on the other
    trials either, bit for bit: a solver makes a lot of one bit where its problem is
    ill-conditioned, as that of an output layer often is.

    Args:
        context: Model and loss.
        points: Prepared inputs ``[A, P]`` and targets ``[K, P]``, float64.
    """

    def __init__(self, context: PackContext, points: tuple[Tensor, Tensor]) -> None:
        self.context, self.points = context, points
        self.stacked_gradient = stacked_gradient(context.model, context.loss, context.width, context.num_outputs)

    @abstractmethod
    def __call__(self, weights_TN: Tensor, slots: tuple[Tensor, ...]) -> Tensor:
        """Change weights and slots in place.

        Args:
            weights_TN: Float64.
            slots: Of the shapes that the optimizer's ``memory`` says; zero before the first iteration.

        Returns:
            Losses at the weights as they were, shape ``[T]``.
        """

    def evaluated(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and gradients at some weights.

        Points are given to each trial as if they were its own: one product for each trial
        and not one for all, whose last bits would depend on how many there are.

        Args:
            weights_TN: Float64.

        Returns:
            Losses, shape ``[T]``, and gradients, shape ``[T, N]``.
        """
        gradient_TN = torch.empty_like(weights_TN)
        own = (points.expand(len(weights_TN), -1, -1) for points in self.points)
        return self.stacked_gradient(weights_TN, gradient_TN, *own), gradient_TN
