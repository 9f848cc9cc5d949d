"""What every solver is to an engine: one iteration of some trials at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class Iteration(ABC):
    """One iteration of each of a few trials.

    All that it knows from one iteration to the next is in weights and slots, so a training
    that is interrupted anywhere goes on to the same numbers.
    """

    @abstractmethod
    def __call__(self, weights_TN: Tensor, slots: tuple[Tensor, ...]) -> Tensor:
        """Change weights and slots in place.

        Args:
            weights_TN: Float64.
            slots: Of the shapes that the optimizer's ``memory`` says; zero before the first iteration.

        Returns:
            Losses at the weights as they were, shape ``[T]``.
        """
