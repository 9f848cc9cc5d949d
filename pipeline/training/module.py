"""Lightning module of a pack: stacked weights with a leading trial axis, trained together."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.choice import ChosenEngine, choose_engine
from pipeline.engines.engine import Engine, Stack
from pipeline.experiment.engine_names import CLOSED_FORM, EngineChoice
from pipeline.experiment.initial_weights import initial_weights_of
from pipeline.experiment.packing import Pack
from pipeline.experiment.resources import operations_of_step
from pipeline.experiment.trial import DIVERGED_ABOVE
from pipeline.problems.problem import Dataset
from pipeline.training.learning_rates import are_multiples, learning_rates, limits_at_start
from pipeline.training.segments import RemainingSegments, Segment, segments
from pipeline.training.stacked_optimizer import StackedOptimizer

NEVER = -1
"""Step of divergence of a trial that has not diverged."""


class PackModule(L.LightningModule):
    """Trains a pack: parameters with a leading trial axis, the loss summed over trials.

    The gradient of a sum over trials is the stack of the trials' own gradients, so no
    trial feels another. A Lightning *batch* is a segment of updates, because a call per
    update would cost more than the update; optimization is manual for that reason. A
    diverged trial is left out of the stack from the end of its segment on.

    Args:
        pack: What to train.
        recorded_steps: Steps at which a segment ends, so that callbacks can look.
        dataset: The points, if they are loaded already.
        engine: What computes it: chosen already, or what to choose for the device where the weights will be.

    Attributes:
        logs_segments: Whether Lightning's loggers and callbacks get a row for each segment. It takes as long as the
            updates of a segment of a small pack, and evaluates the losses once more.
    """

    weights: torch.nn.Parameter
    steps_done: Tensor
    diverged_at: Tensor
    loss_bounds: Tensor

    def __init__(
        self,
        pack: Pack,
        recorded_steps: Sequence[int],
        dataset: Dataset | None = None,
        engine: ChosenEngine | EngineChoice = "auto",
    ) -> None:
        super().__init__()
        self._requested = engine
        self.automatic_optimization = False
        self.logs_segments = True
        self.pack = pack
        shape = pack.shape
        dtype = torch.float32 if shape.stored == "float32" else torch.float64
        self.context = PackContext(
            shape.model,
            shape.width,
            shape.optimizer,
            shape.loss,
            shape.problem.task,
            dataset or shape.problem.load(),
            dtype,
            rounded=shape.dtype == "tf32",
            batch_size=shape.batch_size,
        )
        self.weights = torch.nn.Parameter(initial_weights_of(pack.trials, dtype), requires_grad=False)
        self.register_buffer("steps_done", torch.tensor(0))
        self.register_buffer("diverged_at", torch.full((len(pack.trials),), NEVER))
        self.register_buffer("loss_bounds", torch.full((len(pack.trials),), torch.nan, dtype=dtype))
        self.limit = self._limit()
        # The closed form takes no longer for many steps.
        requested = engine.name if isinstance(engine, ChosenEngine) else engine
        operations = 0 if requested == CLOSED_FORM else operations_of_step(shape)
        partition = segments(recorded_steps, operations * len(pack.trials))
        self.segments = RemainingSegments(partition, lambda: int(self.steps_done))
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """What computes the pack, on the device where its weights are."""
        if self._engine is None:
            self.context = self.context.on(self.weights.device)
            shape, chosen = self.pack.shape, self._requested
            if not isinstance(chosen, ChosenEngine):
                chosen = choose_engine(chosen, shape, self.weights.device.type)
            self._engine = chosen.build(self.context, shape.batch_size, self.weights.device)
        return self._engine

    def _limit(self) -> Tensor | None:
        """The limit that rates may be multiples of; NaN if none are, ``None`` if every trial has its own."""
        relative, linear = are_multiples(self.pack.trials), self.context.model.linear
        if relative and not linear:
            return None
        limit = self.context.largest_stable_learning_rate if relative else torch.nan
        return torch.tensor([limit], dtype=torch.float64)

    @functools.cached_property
    def learning_rates_T(self) -> Tensor:
        """Learning rates as numbers, float64, on the processor; NaN for a solver that has none."""
        trials = self.pack.trials
        if self.limit is not None:
            return learning_rates(trials, self.limit.expand(len(trials)))
        engine = self.engine  # which puts the context on its device
        return learning_rates(trials, limits_at_start(trials, self.context, engine.shortcuts))

    @property
    def alive(self) -> Tensor:
        """Positions of the trials that have not diverged, on the device of the weights."""
        return (self.diverged_at == NEVER).nonzero().flatten()

    def configure_optimizers(self) -> StackedOptimizer:
        rates_T = self.learning_rates_T.to(self.weights.device, self.weights.dtype)
        return StackedOptimizer(self.weights, self.pack.shape.optimizer, rates_T)

    def train_dataloader(self) -> DataLoader[Segment]:
        return DataLoader(self.segments, batch_size=None)

    def on_fit_start(self) -> None:
        if self.steps_done == 0:
            losses_T, _ = self.engine.value_and_gradient(self.weights.detach())
            self.loss_bounds.copy_(DIVERGED_ABOVE * (1 + losses_T))
            self.mark_diverged(self.alive, losses_T, 0)

    def training_step(self, batch: Segment, batch_idx: int) -> None:
        segment = Segment(*(int(step) for step in batch))
        optimizer: Any = self.optimizers()
        optimizer.step(closure=lambda: self._advance(segment, optimizer.optimizer))
        if self.logs_segments:
            self._log_segment(segment)

    def _log_segment(self, segment: Segment) -> None:
        losses_T, _ = self.engine.value_and_gradient(self.weights.detach()[self.alive])
        self.log_dict(
            {
                "median_loss": float(losses_T.median()) if len(losses_T) else float("nan"),
                "trial_steps": float(segment.last * len(self.pack.trials)),
                "diverged": float(len(self.pack.trials) - len(losses_T)),
            },
            batch_size=1,
        )

    def _advance(self, segment: Segment, optimizer: StackedOptimizer) -> None:
        alive = self.alive
        if len(alive) == len(self.pack.trials):
            diverged_T = self.update(self.stack_of_all(optimizer), slice(None), segment)
        elif len(alive):
            stack = self._stack(optimizer, alive, alive.tolist())  # copies, to be written back
            diverged_T = self.update(stack, alive, segment)
            self.weights[alive] = stack.weights_TN
            for slot_TN, changed_TN in zip(optimizer.slots, stack.slots, strict=True):
                slot_TN[alive] = changed_TN
        else:
            diverged_T = torch.empty(0, dtype=torch.int64)
        self.diverged_at[alive] = diverged_T.to(alive.device)
        self.steps_done.fill_(segment.last)

    def update(self, stack: Stack, trials: slice | Tensor, segment: Segment) -> Tensor:
        """Make the updates of a segment, in place.

        Args:
            stack: Some trials.
            trials: Their positions in the pack.
            segment: The updates.

        Returns:
            Step of divergence of each trial or -1, shape ``[T]``, int64.
        """
        return self.engine.advance(stack, segment.first, segment.last)

    def stack_of_all(self, optimizer: StackedOptimizer) -> Stack:
        """Every trial of the pack, in the memory of the module and the optimizer."""
        return self._stack(optimizer, slice(None), range(len(self.pack.trials)))

    def _stack(self, optimizer: StackedOptimizer, trials: slice | Tensor, positions: Sequence[int]) -> Stack:
        return Stack(
            tuple(self.pack.trials[position].id for position in positions),
            self.weights.detach()[trials],
            tuple(slot_TN[trials] for slot_TN in optimizer.slots),
            optimizer.learning_rates_T1[trials],
            self.loss_bounds[trials],
        )

    def mark_diverged(self, trials: Tensor, losses_T: Tensor, step: int) -> None:
        """Mark those of some trials as diverged whose loss is above its bound, or no number.

        Args:
            trials: Positions of the trials in the pack, shape ``[T]``.
            losses_T: Their losses, shape ``[T]``.
            step: The step of these losses.
        """
        out = ~(losses_T <= self.loss_bounds[trials])
        self.diverged_at[trials[out]] = step
