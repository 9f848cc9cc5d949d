"""An update rule as a torch optimizer, so that Lightning steps and checkpoints it like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pipeline.optimizers.rules import Optimizer, UpdateRule


class StackedOptimizer(torch.optim.Optimizer):
    """One learning rate per trial, for one parameter with a leading trial axis.

    ``step()`` makes one update from ``.grad``. ``step(closure)`` leaves the updates to
    the closure: an engine makes a whole segment of them, with ``slots`` as its memory.

    Args:
        weights_TN: The stacked weights, shape ``[T, N]``.
        optimizer: The definition; its memory (momentum, moments) is zero at the start.
        learning_rates_T: Shape ``[T]``.
    """

    def __init__(self, weights_TN: torch.nn.Parameter, optimizer: Optimizer, learning_rates_T: Tensor) -> None:
        self.rule = optimizer
        # "lr" is one number, which callbacks for any optimizer look for; the update takes each trial's own.
        super().__init__([weights_TN], {"learning_rates": learning_rates_T, "lr": float(learning_rates_T.max())})
        num_trials, num_weights = weights_TN.shape
        if memory := optimizer.memory(num_weights):
            values = weights_TN.detach()
            self.state[weights_TN] = {
                f"slot_{number}": values.new_zeros(num_trials, columns) for number, columns in enumerate(memory)
            }
        self.updates = 0

    @property
    def weights_TN(self) -> Tensor:
        """The stacked weights, shape ``[T, N]``."""
        weights: Tensor = self.param_groups[0]["params"][0]
        return weights

    @property
    def slots(self) -> tuple[Tensor, ...]:
        """The memory of the optimizer, tensors with a row for each trial."""
        return tuple(self.state[self.weights_TN].values())

    @property
    def learning_rates_T1(self) -> Tensor:
        """Shape ``[T, 1]``."""
        rates_T: Tensor = self.param_groups[0]["learning_rates"]
        return rates_T[:, None]

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one update from ``.grad``, or let the closure make as many as it likes.

        Args:
            closure: Makes updates in place of this optimizer.

        Returns:
            What the closure returns.
        """
        if closure is not None:
            return closure()
        assert isinstance(self.rule, UpdateRule)
        assert self.weights_TN.grad is not None
        self.updates += 1
        self.rule(self.weights_TN, self.weights_TN.grad, self.slots, self.learning_rates_T1, self.updates)
        return None
