"""Data-parallel training of a pack: each process computes gradients on its shard of every batch.

Shape letters: H steps of a segment.
"""

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
from pipeline.experiment.packing import Pack
from pipeline.experiment.resources import elements_of_chunk
from pipeline.numerics.threads import CORES, threads_of_operation
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.problem import Dataset
from pipeline.training.module import PackModule
from pipeline.training.segments import Segment
from pipeline.training.stacked_optimizer import StackedOptimizer


class BatchShard:
    """The part of every batch that one process computes on; shards differ by one point at most.

    The batch of an update is that of a single process, whatever the number of processes.
    A shard may be empty: there may be more processes than points.

    Args:
        context: What the trials are trained on, on the device of the process.
        batch_size: Points of an update, ``None`` for all.
        rank: Rank of the process, from 0.
        world_size: How many processes there are.
    """

    def __init__(self, context: PackContext, batch_size: int | None, rank: int, world_size: int) -> None:
        batch_points = batch_size or context.num_points
        shard = slice(batch_points * rank // world_size, batch_points * (rank + 1) // world_size)
        self.num_points = shard.stop - shard.start
        self.fraction = self.num_points / batch_points
        device = context.prepared_AP.device
        prepared_AP = context.prepared_AP.to(context.dtype).contiguous()
        targets_KP = context.dataset.train_targets_PK.to(context.dtype).mT.contiguous()
        self.points = (prepared_AP[:, shard].contiguous(), targets_KP[:, shard].contiguous())
        self.stacked_gradient = stacked_gradient(context.model, context.loss, context.width, context.num_outputs)
        columns = context.num_outputs if context.model.linear else context.width
        self.elements_of_trial = max(1, self.num_points) * columns
        self.most_trials = max(1, elements_of_chunk(device.type, prepared_AP.element_size()) // self.elements_of_trial)
        self.whole_minibatches = None if batch_size is None else Minibatches(prepared_AP, targets_KP, batch_size, shard)
        self.minibatches: list[Minibatches] = []

    def value_and_gradient(self, stack: Stack, step: int, gradient_TN: Tensor) -> Tensor:
        """Contribution of the shard to the loss of the update after ``step``, and to its gradient.

        Both are those of a mean over the shard, times its fraction of the batch: their sum over
        the shards is that of a mean over the batch.

        Args:
            stack: The trials, at the weights of the step.
            step: Updates done.
            gradient_TN: Overwritten with the contribution to the gradient, shape ``[T, N]``.

        Returns:
            Contribution to the loss, shape ``[T]``.
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
        if self.whole_minibatches is None:
            return self.points
        while len(self.minibatches) <= chunk:
            # The same points, and a permutation of its own to keep.
            self.minibatches.append(copy.copy(self.whole_minibatches))
        return self.minibatches[chunk].at(trial_ids, step)


class DataParallelPackModule(PackModule):
    """A pack whose gradients are averaged over the processes of a DDP strategy.

    Every process holds all weights and makes the same updates, with gradients that DDP has
    averaged. Whatever decides on a trial is the same everywhere: losses are summed over
    the processes before they are compared with their bounds, and what the first process
    found at a recorded step is broadcast to the others before the next segment. An exact
    solver takes all points in every process.

    Args:
        pack: What to train.
        recorded_steps: Steps at which a segment ends, so that callbacks can look.
        dataset: The points, if they are loaded already.
    """

    def __init__(self, pack: Pack, recorded_steps: Sequence[int], dataset: Dataset | None = None) -> None:
        super().__init__(pack, recorded_steps, dataset, "reference")
        self.weights.requires_grad_(True)  # for DDP, which takes gradients from backward passes only
        self._shard: BatchShard | None = None

    def configure_optimizers(self) -> StackedOptimizer:
        # From one process, because limits computed on unlike machines differ in their last bits.
        self.learning_rates_T = self.trainer.strategy.broadcast(self.learning_rates_T)
        return super().configure_optimizers()

    def on_train_batch_start(self, batch: Segment, batch_idx: int) -> None:
        for decided_T in (self.diverged_at, self.loss_bounds):  # DDP broadcasts no buffers in manual optimization
            distributed.broadcast(decided_T, src=0)

    @property
    def shard(self) -> BatchShard:
        """The part of every batch that this process computes on."""
        if self._shard is None:
            self.context = self.context.on(self.weights.device)
            self._shard = BatchShard(
                self.context, self.pack.shape.batch_size, self.trainer.global_rank, self.trainer.world_size
            )
        return self._shard

    def update(self, stack: Stack, trials: slice | Tensor, segment: Segment) -> Tensor:
        rule = self.pack.shape.optimizer
        if not isinstance(rule, UpdateRule):
            return super().update(stack, trials, segment)
        history_HT = stack.loss_bounds_T.new_empty(segment.last - segment.first, len(stack))
        gradient_TN = torch.empty_like(stack.weights_TN)
        large = min(len(stack), self.shard.most_trials) * self.shard.elements_of_trial >= LARGE_OPERATION
        with threads_of_operation(CORES if large else 1):
            for step in range(segment.first, segment.last):
                history_HT[step - segment.first] = self.shard.value_and_gradient(stack, step, gradient_TN)
                batch_TN = self.all_reduced(gradient_TN, trials)
                rule(stack.weights_TN, batch_TN, stack.slots, stack.learning_rates_T1, step + 1)
        history_HT = self.trainer.strategy.reduce(history_HT, reduce_op="sum")
        return first_out_of_bounds(history_HT, stack.loss_bounds_T, segment.first)

    def all_reduced(self, gradient_TN: Tensor, trials: slice | Tensor) -> Tensor:
        """Gradient of the whole batch, the sum over all shards, by a backward pass in which DDP averages.

        Args:
            gradient_TN: Contribution of the shard of this process, shape ``[T, N]``.
            trials: Positions of the trials in the pack.

        Returns:
            Shape ``[T, N]``.
        """
        self.zero_grad()
        with torch.enable_grad():
            # A function of the weights whose gradient is the one that the kernel has computed.
            self.manual_backward((self.weights[trials] * gradient_TN).sum() * self.trainer.world_size)
        assert self.weights.grad is not None
        batch_TN: Tensor = self.weights.grad[trials]
        return batch_TN
