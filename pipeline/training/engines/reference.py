"""The reference engine: PyTorch on stacked tensors, in chunks that stay in cache."""

from __future__ import annotations

from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.snapshot import Learned
from pipeline.experiment.estimate import elements_of_chunk
from pipeline.optimizers.rules import LeastSquares, UpdateRule
from pipeline.training.engines.engine import Engine, Stack
from pipeline.training.engines.kernels import kernel
from pipeline.training.minibatches import Minibatches


@final
class Reference(Engine):
    """Any model, loss and optimizer, on any device that PyTorch knows.

    A pack is worked through in chunks of trials: all steps of a stretch for one chunk,
    then the next. A naive stack streams every intermediate through main memory and is
    slower than a loop over trials at the larger shapes.
    """

    name: ClassVar[str] = "reference"

    def __init__(self, learned: Learned, batch_size: int | None, device: torch.device) -> None:
        self.learned = learned
        self.prepared_CP = learned.prepared_CP.to(device, learned.dtype).contiguous()
        self.targets_KP = learned.dataset.train_targets_PK.to(device, learned.dtype).mT.contiguous()
        self.minibatches = None
        if batch_size is not None:
            self.minibatches = Minibatches(self.prepared_CP, self.targets_KP, batch_size)
        self.kernel = kernel(learned.model, learned.loss, learned.width, learned.num_outputs)
        element = self.prepared_CP.element_size()
        points = batch_size or learned.num_points
        rows = learned.num_outputs if learned.model.linear else learned.width
        self.chunk = max(1, elements_of_chunk(device.type, element) // (rows * points))
        self.whole_chunk = max(1, elements_of_chunk(device.type, element) // (rows * learned.num_points))

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        gradient_TN = torch.empty_like(weights_TN)
        losses = [
            self.kernel(
                weights_TN[first : first + self.whole_chunk],
                gradient_TN[first : first + self.whole_chunk],
                self.prepared_CP,
                self.targets_KP,
            )
            for first in range(0, len(weights_TN), self.whole_chunk)
        ]
        return torch.cat(losses), gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        optimizer = self.learned.optimizer
        if isinstance(optimizer, LeastSquares):
            stack.weights_TN.copy_(self.learned.least_squares_KF.flatten())
            return torch.full((len(stack),), -1)
        assert isinstance(optimizer, UpdateRule)
        return torch.cat(
            [
                self._advance_chunk(optimizer, stack.part(first, first + self.chunk), first_step, last_step)
                for first in range(0, len(stack), self.chunk)
            ]
        )

    def _advance_chunk(self, rule: UpdateRule, stack: Stack, first_step: int, last_step: int) -> Tensor:
        gradient_TN = torch.empty_like(stack.weights_TN)
        history_HT = stack.weights_TN.new_empty(last_step - first_step, len(stack))
        points = self.prepared_CP, self.targets_KP
        for step in range(first_step, last_step):
            if self.minibatches is not None:
                points = self.minibatches.at(stack.trial_ids, step)
            history_HT[step - first_step] = self.kernel(stack.weights_TN, gradient_TN, *points)
            rule(stack.weights_TN, gradient_TN, stack.slots, stack.learning_rates_T1, step + 1)
        return first_out_of_bounds(history_HT, stack.loss_bounds_T, first_step)


def first_out_of_bounds(history_HT: Tensor, bounds_T: Tensor, first_step: int) -> Tensor:
    """The step of the first loss that is NaN or above its bound, or -1, shape ``[T]``, on the CPU."""
    out_HT = ~(history_HT <= bounds_T)
    first_T = out_HT.to(torch.uint8).argmax(dim=0) + first_step
    return torch.where(out_HT.any(dim=0), first_T, -1).cpu()
