"""A pack trained by several processes, each on its share of the points."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, distributed

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Stack
from pipeline.engines.minibatches import Minibatches
from pipeline.engines.reference.engine import LARGE_OPERATION, first_out_of_bounds
from pipeline.engines.reference.gradients import stacked_gradient
from pipeline.engines.threads import CORES, threads_of_operation
from pipeline.experiment.packing import Pack
from pipeline.experiment.resources import elements_of_chunk
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.problem import Dataset
from pipeline.training.module import PackModule
from pipeline.training.segments import Segment
from pipeline.training.stacked_optimizer import StackedOptimizer


class Share:
    """The part of every batch that one process works on, by one point larger than another's at most.

    The batch of an update is that of a single process, whatever the number of processes.
    A share may be empty: there may be more processes than points.

    Args:
        context: The whole problem, on the device of the process.
        batch_size: Points of an update, ``None`` for all.
        process: Which share it is, from 0.
        num_processes: How many shares there are.
    """

    def __init__(self, context: PackContext, batch_size: int | None, process: int, num_processes: int) -> None:
        whole = batch_size or context.num_points
        mine = slice(whole * process // num_processes, whole * (process + 1) // num_processes)
        self.num_points = mine.stop - mine.start
        self.fraction = self.num_points / whole
        device = context.prepared_AP.device
        prepared_AP = context.prepared_AP.to(context.dtype).contiguous()
        targets_KP = context.dataset.train_targets_PK.to(context.dtype).mT.contiguous()
        self.points = (prepared_AP[:, mine].contiguous(), targets_KP[:, mine].contiguous())
        self.stacked_gradient = stacked_gradient(context.model, context.loss, context.width, context.num_outputs)
        self.elements_of_trial = max(1, self.num_points) * (
            context.num_outputs if context.model.linear else context.width
        )
        self.most_trials = max(1, elements_of_chunk(device.type, prepared_AP.element_size()) // self.elements_of_trial)
        self.drawn = None if batch_size is None else Minibatches(prepared_AP, targets_KP, batch_size, mine)
        self.minibatches: list[Minibatches] = []

    def value_and_gradient(self, stack: Stack, step: int, gradient_TN: Tensor) -> Tensor:
        """What this share adds to the loss of the update after ``step``, shape ``[T]``, and to its gradient.

        Args:
            stack: The trials, at the weights of the step.
            step: Updates done.
            gradient_TN: Overwritten.
        """
        if not self.num_points:
            gradient_TN.zero_()
            return gradient_TN.new_zeros(len(stack))
        losses = []
        for number, first in enumerate(range(0, len(stack), self.most_trials)):
            part = stack.part(first, first + self.most_trials)
            points = self._points(number, part.trial_ids, step)
            losses.append(self.stacked_gradient(part.weights_TN, gradient_TN[first : first + len(part)], *points))
        gradient_TN.mul_(self.fraction)
        return torch.cat(losses) * self.fraction

    def _points(self, chunk: int, trial_ids: tuple[str, ...], step: int) -> tuple[Tensor, Tensor]:
        if self.drawn is None:
            return self.points
        while len(self.minibatches) <= chunk:
            self.minibatches.append(copy.copy(self.drawn))  # the same points, but an order of its own to remember
        return self.minibatches[chunk].at(trial_ids, step)


class SharedPackModule(PackModule):
    """A pack whose gradients are averaged over the processes of a DDP strategy.

    Every process holds all weights and makes the same updates, with gradients that DDP has
    averaged. Whatever decides on a trial is the same everywhere: losses are summed over
    the processes before they are held against their bounds, and what the first process
    found at a recorded step is told to the others before the next segment. An exact
    solver takes all points in every process.
    """

    def __init__(self, pack: Pack, recorded_steps: Sequence[int], dataset: Dataset | None = None) -> None:
        super().__init__(pack, recorded_steps, dataset, "reference")
        self.weights.requires_grad_(True)  # for DDP, which takes gradients from backward passes only
        self._share: Share | None = None

    def configure_optimizers(self) -> StackedOptimizer:
        # From one process, because limits computed on unlike machines differ in their last bits.
        self.learning_rates_T = self.trainer.strategy.broadcast(self.learning_rates_T)
        return super().configure_optimizers()

    def on_train_batch_start(self, batch: Segment, batch_idx: int) -> None:
        for decided_T in (self.diverged_at, self.loss_bounds):  # DDP does not tell buffers in manual optimization
            distributed.broadcast(decided_T, src=0)

    @property
    def share(self) -> Share:
        """The part of the points that this process works on."""
        if self._share is None:
            self.context = self.context.on(self.weights.device)
            self._share = Share(
                self.context, self.pack.shape.batch_size, self.trainer.global_rank, self.trainer.world_size
            )
        return self._share

    def update(self, stack: Stack, trials: slice | Tensor, segment: Segment) -> Tensor:
        rule = self.pack.shape.optimizer
        if not isinstance(rule, UpdateRule):
            return super().update(stack, trials, segment)
        history_HT = stack.loss_bounds_T.new_empty(segment.last - segment.first, len(stack))
        gradient_TN = torch.empty_like(stack.weights_TN)
        large = min(len(stack), self.share.most_trials) * self.share.elements_of_trial >= LARGE_OPERATION
        with threads_of_operation(CORES if large else 1):
            for step in range(segment.first, segment.last):
                history_HT[step - segment.first] = self.share.value_and_gradient(stack, step, gradient_TN)
                whole_TN = self.summed(gradient_TN, trials)
                rule(stack.weights_TN, whole_TN, stack.slots, stack.learning_rates_T1, step + 1)
        history_HT = self.trainer.strategy.reduce(history_HT, reduce_op="sum")
        return first_out_of_bounds(history_HT, stack.loss_bounds_T, segment.first)

    def summed(self, gradient_TN: Tensor, trials: slice | Tensor) -> Tensor:
        """The gradients of all shares together, by the backward pass in which DDP averages over the processes."""
        self.zero_grad()
        with torch.enable_grad():
            # A function of the weights whose gradient is the one that the kernel has computed.
            self.manual_backward((self.weights[trials] * gradient_TN).sum() * self.trainer.world_size)
        assert self.weights.grad is not None
        whole_TN: Tensor = self.weights.grad[trials]
        return whole_TN
