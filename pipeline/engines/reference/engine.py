"""The reference engine: PyTorch on stacked tensors, in chunks that stay in cache."""

from __future__ import annotations

import itertools
from typing import ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Engine, Stack
from pipeline.engines.minibatches import Minibatches
from pipeline.engines.reference.gradients import stacked_gradient
from pipeline.engines.reference.solvers import iteration
from pipeline.experiment.resources import elements_of_chunk
from pipeline.numerics.threads import CORES, on_cores, threads_of_operation
from pipeline.optimizers.rules import LeastSquares, UpdateRule
from pipeline.optimizers.solvers import ProblemSize, Solver

LARGE_OPERATION = 1 << 16
"""Numbers that one operation of a lane writes at least, so that calling it costs less than doing it."""


class Worker:
    """What one thread needs to work on chunks beside the others: gradients with buffers of their own, and minibatches.

    Args:
        context: What the trials are trained on.
        points: Prepared inputs ``[A, P]`` and targets ``[K, P]``.
        batch_size: B, or ``None`` for all points.
    """

    def __init__(self, context: PackContext, points: tuple[Tensor, Tensor], batch_size: int | None) -> None:
        self.rule = context.optimizer
        self.points = points
        self.stacked_gradient = stacked_gradient(context.model, context.loss, context.width, context.num_outputs)
        self.minibatches = None if batch_size is None else Minibatches(*points, batch_size)
        self.iteration = iteration(context, points) if isinstance(self.rule, Solver) else None

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        """Make updates ``first_step + 1`` to ``last_step`` of a chunk of trials, in place.

        Args:
            stack: The chunk.
            first_step: Updates made before.
            last_step: Updates made in the end.

        Returns:
            The step at which each trial diverged, or -1, shape ``[T]``.
        """
        history_HT = stack.weights_TN.new_empty(last_step - first_step, len(stack))
        if self.iteration is not None:
            for losses_T in history_HT:
                losses_T.copy_(self.iteration(stack.weights_TN, stack.slots))
            return first_out_of_bounds(history_HT, stack.loss_bounds_T, first_step)
        assert isinstance(self.rule, UpdateRule)
        gradient_TN = torch.empty_like(stack.weights_TN)
        points = self.points
        for step in range(first_step, last_step):
            if self.minibatches is not None:
                points = self.minibatches.at(stack.trial_ids, step)
            history_HT[step - first_step] = self.stacked_gradient(stack.weights_TN, gradient_TN, *points)
            self.rule(stack.weights_TN, gradient_TN, stack.slots, stack.learning_rates_T1, step + 1)
        return first_out_of_bounds(history_HT, stack.loss_bounds_T, first_step)


@final
class Reference(Engine):
    """The reference engine: any model, loss and optimizer, on any device that PyTorch knows.

    A pack is worked through in chunks of trials: all steps of a segment for one chunk,
    then the next. A naive stack streams every intermediate through main memory and is
    slower than a loop over trials at the larger shapes. On a CPU every core has a worker,
    which takes every ``len(workers)``-th chunk.
    """

    name: ClassVar[str] = "reference"

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        self.context = context
        prepared_AP = context.prepared_AP.to(device, context.dtype).contiguous()
        targets_KP = context.dataset.train_targets_PK.to(device, context.dtype).mT.contiguous()
        num_workers = CORES if device.type == "cpu" else 1
        self.workers = [Worker(context, (prepared_AP, targets_KP), batch_size) for _ in range(num_workers)]
        self.most_elements = elements_of_chunk(device.type, prepared_AP.element_size())
        rows = context.num_outputs if context.model.linear else context.width
        self.elements_of_trial = rows * (batch_size or context.num_points)
        self.solves = isinstance(context.optimizer, Solver)  # on one thread: more would add in another order
        if isinstance(context.optimizer, Solver):
            self.elements_of_trial = context.optimizer.elements(size_of(context))
        self.whole_chunk = max(1, self.most_elements // (rows * context.num_points))

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        if not len(weights_TN):
            return weights_TN.new_empty(0), torch.empty_like(weights_TN)
        gradient_TN = torch.empty_like(weights_TN)
        worker = self.workers[0]
        parts = zip(weights_TN.split(self.whole_chunk), gradient_TN.split(self.whole_chunk), strict=True)
        losses = [worker.stacked_gradient(weights, gradient, *worker.points) for weights, gradient in parts]
        return torch.cat(losses), gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        if isinstance(self.context.optimizer, LeastSquares):
            stack.weights_TN.copy_(self.context.least_squares_KF.flatten())
            return torch.full((len(stack),), -1)
        chunks = [stack.part(first, last) for first, last in itertools.pairwise(self.bounds(len(stack)))]

        def work(number: int) -> list[Tensor]:
            worker = self.workers[number]
            return [worker.advance(chunk, first_step, last_step) for chunk in chunks[number :: len(self.workers)]]

        # One chunk that is large may use all cores inside its operations; several chunks get a core each instead.
        several = len(chunks) == 1 and self.elements_of_trial >= LARGE_OPERATION and not self.solves
        with threads_of_operation(CORES if several else 1):
            busy = range(min(len(self.workers), len(chunks)))
            done = on_cores(work, busy, most_threads=len(busy))
        in_order = [done[number % len(self.workers)][number // len(self.workers)] for number in range(len(chunks))]
        return torch.cat(in_order)

    def bounds(self, num_trials: int) -> list[int]:
        """Where the chunks of a stack begin and end: of one size, each in cache, as many for every worker.

        Args:
            num_trials: T.

        Returns:
            Numbers of trials from 0 to T, one more than there are chunks.
        """
        num_chunks = -(-num_trials * self.elements_of_trial // self.most_elements)
        num_workers = len(self.workers)
        if num_chunks > 1 or num_trials * self.elements_of_trial >= num_workers * LARGE_OPERATION:
            num_chunks = -(-num_chunks // num_workers) * num_workers
        num_chunks = max(1, min(num_chunks, num_trials))
        return [num_trials * number // num_chunks for number in range(num_chunks + 1)]


def size_of(context: PackContext) -> ProblemSize:
    """The size of the optimisation problem of one trial."""
    num_inputs = context.dataset.train_inputs_PD.shape[1]
    return ProblemSize.of(context.model, context.width, num_inputs, context.num_outputs, context.num_points)


def first_out_of_bounds(history_HT: Tensor, bounds_T: Tensor, first_step: int) -> Tensor:
    """The step of the first loss of each trial that is NaN or above its bound.

    Args:
        history_HT: Losses before each update, shape ``[H, T]``.
        bounds_T: Largest losses that are not divergence.
        first_step: The step of the first row.

    Returns:
        Shape ``[T]``, int64, on the processor; -1 for a trial within bounds.
    """
    out_HT = ~(history_HT <= bounds_T)  # not >: NaN is out of bounds, too
    first_T = out_HT.to(torch.uint8).argmax(dim=0) + first_step
    return torch.where(out_HT.any(dim=0), first_T, -1).cpu()
