"""What an engine computes: losses, gradients and many updates of a whole pack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Shortcuts
from pipeline.experiment.trial import Shape


@dataclass(frozen=True)
class Stack:
    """The state of some trials of a pack, with a leading trial axis; engines change it in place.

    Args:
        trial_ids: T ids, which name the random streams of minibatches.
        weights_TN: Flattened weights, shape ``[T, N]``.
        slots: Memory of the optimizer, tensors with a row for each trial.
        learning_rates_T1: Shape ``[T, 1]``.
        loss_bounds_T: Losses above which a trial has diverged, shape ``[T]``.
    """

    trial_ids: tuple[str, ...]
    weights_TN: Tensor
    slots: tuple[Tensor, ...]
    learning_rates_T1: Tensor
    loss_bounds_T: Tensor

    def __len__(self) -> int:
        return len(self.trial_ids)

    def part(self, first: int, last: int) -> Stack:
        """Trials ``first`` to ``last`` (excluded), as views of the same memory."""
        return Stack(
            self.trial_ids[first:last],
            self.weights_TN[first:last],
            tuple(slot_TN[first:last] for slot_TN in self.slots),
            self.learning_rates_T1[first:last],
            self.loss_bounds_T[first:last],
        )

    def arrays(self) -> dict[str, Tensor]:
        """The arrays as arguments of kernels, by the names of their parameters."""
        rates_T, bounds_T = self.learning_rates_T1.flatten().contiguous(), self.loss_bounds_T.contiguous()
        slots = {f"slot_{number}": slot_TN for number, slot_TN in enumerate(self.slots)}
        return {"weights": self.weights_TN, "rates": rates_T, "bounds": bounds_T, **slots}


def check_arrays(dtype: torch.dtype, num_trials: int, arrays: Mapping[str, Tensor]) -> None:
    """Refuse arrays that a kernel would misread, which knows their address alone.

    Args:
        dtype: The dtype of the kernel's numbers.
        num_trials: T, the rows that each array must have.
        arrays: Arguments by the names of the parameters.

    Raises:
        TypeError: If an array is of another dtype.
        ValueError: If an array is not contiguous, or has another number of rows.
    """
    for name, array in arrays.items():
        if array.dtype != dtype:
            raise TypeError(f"{name}: an array of {array.dtype}, where the kernel takes {dtype}")
        if not array.is_contiguous():
            raise ValueError(f"{name}: its numbers do not lie one after another, where a kernel takes them so")
        if len(array) != num_trials:
            raise ValueError(f"{name}: an array of length {len(array)}, where the kernel takes {num_trials}")


class Engine(ABC):
    """Computes one pack on one device.

    Losses and gradients of one trial depend on nothing but that trial: ``loss_t(w_t)`` and ``d loss_t / d w_t`` for
    each t. On the fused engines that holds bit for bit, whatever is computed beside it.
    """

    name: ClassVar[str]
    shortcuts: Shortcuts = Shortcuts()
    """What of a snapshot it computes itself."""

    @abstractmethod
    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        """Prepare for a pack.

        Args:
            context: Model, points, loss and optimizer of the pack.
            batch_size: B, points of an update; ``None`` for all.
            device: Where the weights are.
        """

    @classmethod  # noqa: B027 an engine without kernels of its own has nothing to compile
    def compile_kernels(cls, shape: Shape, *, top_of_hessian: bool) -> None:
        """Compile ahead of time what packs of a shape need; most engines compile nothing.

        Args:
            shape: What the trials of a pack have in common.
            top_of_hessian: Whether largest eigenvalues of Hessians are going to be wanted.
        """

    @abstractmethod
    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        """Losses on all training points and their gradients, at fixed weights.

        Args:
            weights_TN: Flattened weights, shape ``[T, N]``, in the dtype of the training.

        Returns:
            Losses, shape ``[T]``, and gradients, shape ``[T, N]``.
        """

    @abstractmethod
    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        """Make updates ``first_step + 1`` to ``last_step`` of every trial, in place.

        Args:
            stack: The trials after ``first_step`` updates.
            first_step: Updates made before.
            last_step: Updates made in the end.

        Returns:
            Shape ``[T]``, int64, on the processor: the first step whose loss was out of bounds, or -1. The weights of
            such a trial are not to be used any more.
        """
