"""Networks of many inputs, outputs or hidden units on GPUs: products of matrices, two launches a step.

What to expect, which is a prediction and not a measurement; no GPU was at hand. At 64 inputs, 10 outputs and ReLU,
Triton 3.7 compiles for sm_90a loops that take, for each pair of a point and a hidden unit, 0.31 cycles of a processor
to issue in tf32 (wgmma), 2.5 in float32 (multiply and add outside matrix units), 0.96 in float64 (DMMA). A pair
counts as 320 operations: bounds of about 230 TFLOP/s in tf32, 29 in float32. Matrix units and waiting come on top: a
third to a half of the first and two thirds of the second are to be expected. At 8 inputs and one output the same count
is 0.27 in tf32 and 0.69 in float32; registers should take about 0.2, by an estimate and no count. Float32 at 128 inputs
and float64 spill some numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.bias_corrections import corrections
from pipeline.engines.engine import Engine, Stack, check_arrays
from pipeline.engines.gpu.block_sizes import LEAST, Block, LaunchBlocks, launch_blocks, padded_columns
from pipeline.engines.gpu.kernels import matrix_training
from pipeline.engines.gpu.registers import epochs, network_constants, rule_constants
from pipeline.engines.gpu.thread_layout import power_of_two
from pipeline.engines.minibatches import Minibatches
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import UpdateRule

SLOPES_BYTES = 1 << 28
"""Memory for the slopes of trials that are trained together; the rest of a pack comes after them."""
CAPTURED_STEPS = 16
"""Steps of a CUDA graph, whose launch costs as much as that of one kernel."""
NO_RULE: dict[str, Any] = {"RULE": "", "SLOTS": 0, "A": 0.0, "B": 0.0, "E": 0.0}


@dataclass(frozen=True)
class Work:
    """What the launches share while they train some trials, at addresses that do not change.

    Args:
        blocks: Block sizes.
        num_points: Points of an update.
        slopes: Slopes ``dl/df`` of the loss in the outputs, ``[T, places, KP]``.
        losses: What each block of points adds to the loss, ``[T, blocks of points]``.
        diverged_T: The step at which a trial has diverged, counted from the first of all, or -1.
        done: How many steps were made, one number.
    """

    blocks: LaunchBlocks
    num_points: int
    slopes: Tensor
    losses: Tensor
    diverged_T: Tensor
    done: Tensor


@final
class ByMatrices(Engine):
    """The fused engine for networks of any number of hidden units, by products of matrices, on a CUDA device."""

    name: ClassVar[str] = "fused"

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        assert isinstance(context.model, Shallow)
        assert isinstance(context.optimizer, UpdateRule)
        self.context, self.batch_size, self.rule = context, batch_size, context.optimizer
        data = context.dataset
        inputs_PD, targets_PK = (x.to(device, context.dtype) for x in (data.train_inputs_PD, data.train_targets_PK))
        self.minibatches = None if batch_size is None else Minibatches(inputs_PD.mT, targets_PK.mT, batch_size)
        self.network = network_constants(context)
        self.columns = {"DP": max(LEAST, padded_columns(inputs_PD.shape[1])), "KP": padded_columns(context.num_outputs)}
        self.precision = "tf32" if context.rounded else "ieee"
        blocks = functools.partial(launch_blocks, width=context.width, real_bytes=inputs_PD.element_size())
        self.training_blocks = blocks(batch_size or context.num_points, rounded=context.rounded)
        self.gradient_blocks = blocks(context.num_points, rounded=context.rounded)
        num_rows = self.gradient_blocks.num_places(context.num_points)
        self.inputs_PD = filled_up(inputs_PD, num_rows, self.columns["DP"])
        self.targets_PK = filled_up(targets_PK, num_rows, self.columns["KP"])

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        weights_TN = weights_TN.contiguous()
        check_arrays(self.context.dtype, len(weights_TN), {"weights": weights_TN})
        losses_T, gradient_TN = weights_TN.new_empty(len(weights_TN)), torch.empty_like(weights_TN)
        num_points, blocks = self.context.num_points, self.gradient_blocks
        for first, last in self._parts(len(weights_TN), num_points, blocks):
            own_TN = weights_TN[first:last]
            work = self._work(own_TN, num_points, blocks)
            launch_both = self._launches(
                work, own_TN, (gradient_TN[first:last], own_TN), own_TN, (losses_T[first:last],) * 3, own_TN,
                (0, 1), NO_RULE | {"BATCHED": False},
            )  # fmt: skip
            launch_both(0)
        return losses_T, gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        check_arrays(self.context.dtype, len(stack), stack.arrays())
        num_points = self.batch_size or self.context.num_points
        parts = self._parts(len(stack), num_points, self.training_blocks)
        found = [self._advance(stack.part(first, last), first_step, last_step) for first, last in parts]
        return torch.cat([torch.empty(0, dtype=torch.int64), *found])

    def _advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        """The updates of trials whose slopes are in memory together."""
        weights_TN, per_epoch = stack.weights_TN, 1
        work = self._work(weights_TN, self.batch_size or self.context.num_points, self.training_blocks)
        permutation_TP = weights_TN
        if self.minibatches is not None:
            per_epoch = self.minibatches.per_epoch
            size = (len(stack), self.context.num_points)
            permutation_TP = torch.empty(size, dtype=torch.int32, device=weights_TN.device)
        factors_H2 = torch.from_numpy(corrections(self.rule, first_step, last_step)).to(weights_TN)
        rates_T, bounds_T = (x.flatten().contiguous() for x in (stack.learning_rates_T1, stack.loss_bounds_T))
        step = self._launches(
            work, weights_TN, (*stack.slots, weights_TN, weights_TN)[:2], permutation_TP,
            (work.losses, rates_T, bounds_T), factors_H2, (first_step % per_epoch, per_epoch),
            rule_constants(self.rule) | {"BATCHED": self.minibatches is not None},
        )  # fmt: skip
        # A pack that is small waits for launches; a CUDA graph makes one of those of ``CAPTURED_STEPS`` steps.
        several = several_steps(step, work.done) if weights_TN.device.type == "cuda" else one_by_one(step, work.done)
        for first, last in epochs(first_step, last_step, self.minibatches):
            if self.minibatches is not None:
                permutation_TP.copy_(self.minibatches.permutations(stack.trial_ids, first // per_epoch))
            several(last - first)
        found_T = work.diverged_T.cpu().to(torch.int64)
        return torch.where(found_T < 0, found_T, found_T + first_step)

    def _parts(self, num_trials: int, num_points: int, blocks: LaunchBlocks) -> Iterator[tuple[int, int]]:
        """The trials in parts whose slopes are in memory together."""
        numbers = blocks.num_places(num_points) * self.columns["KP"]
        most = max(1, SLOPES_BYTES // (numbers * self.inputs_PD.element_size()))
        return ((first, min(first + most, num_trials)) for first in range(0, num_trials, most))

    def _work(self, weights_TN: Tensor, num_points: int, blocks: LaunchBlocks) -> Work:
        num_trials, num_places = len(weights_TN), blocks.num_places(num_points)
        return Work(
            blocks,
            num_points,
            weights_TN.new_empty(num_trials, num_places, self.columns["KP"]),
            weights_TN.new_empty(num_trials, num_places // blocks.of_points.points),
            torch.full((num_trials,), -1, dtype=torch.int32, device=weights_TN.device),
            torch.zeros(1, dtype=torch.int32, device=weights_TN.device),
        )

    def _launches(
        self,
        work: Work,
        weights_TN: Tensor,
        slots: tuple[Tensor, ...],
        permutation_TP: Tensor,
        of_trials: tuple[Tensor, ...],
        factors_H2: Tensor,
        of_epoch: tuple[int, int],
        how: dict[str, Any],
    ) -> Callable[[int], None]:
        """The function that launches one step, the one that comes ``offset`` after those that are done.

        Args:
            work: For these trials.
            weights_TN: Changed, unless there is no rule.
            slots: The memory of the rule; without a rule, first what takes the gradient.
            permutation_TP: The permutation of the points in the epoch.
            of_trials: What takes the loss of each trial, its learning rate, and the bound of its loss.
            factors_H2: Bias corrections of every step.
            of_epoch: The batch of the first step, and how many there are.
            how: Compile-time constants of the rule, and whether there are batches.

        Returns:
            ``launch(offset)``.
        """
        num_blocks = work.losses.shape[1]
        num_unit_blocks = -(-self.context.width // work.blocks.of_units.units)
        sizes = (
            weights_TN.shape[1], work.num_points, self.context.num_points, self.context.width, num_blocks,
            work.slopes.shape[1],
        )  # fmt: skip
        shared = (permutation_TP, work.diverged_T, work.done, work.slopes, work.losses)
        shared_constants = self.columns | {name: self.network[name] for name in ("D", "K", "ACTIVATION", "SLOPE")}
        shared_constants |= {"PRECISION": self.precision, "BATCHED": how["BATCHED"]}

        def launch_both(offset: int) -> None:
            at = (offset, *of_epoch)
            matrix_training.slopes_at_points[(len(weights_TN) * num_blocks,)](
                weights_TN, self.inputs_PD, self.targets_PK, *shared, *at, *sizes,
                LOSS=self.network["LOSS"], **shared_constants, **block_constants(work.blocks.of_points),
            )  # fmt: skip
            matrix_training.weights_of_units[(len(weights_TN) * num_unit_blocks,)](
                weights_TN, *slots, self.inputs_PD, *shared, *of_trials, factors_H2, *at, *sizes, num_unit_blocks,
                **(shared_constants | how), TILES=power_of_two(num_blocks), **block_constants(work.blocks.of_units),
            )  # fmt: skip

        return launch_both


def one_by_one(step: Callable[[int], None], done: Tensor) -> Callable[[int], None]:
    """The function that makes ``count`` steps, a launch after another."""

    def steps(count: int) -> None:
        for offset in range(count):
            step(offset)
        done.add_(count)

    return steps


def several_steps(step: Callable[[int], None], done: Tensor) -> Callable[[int], None]:
    """The function that makes ``count`` steps, most from a CUDA graph that is captured when there are enough."""
    some = one_by_one(step, done)
    graphs: list[torch.cuda.CUDAGraph] = []

    def steps(count: int) -> None:
        if not graphs and count > 2 * CAPTURED_STEPS:
            some(1)  # which compiles what the capture must find compiled
            count -= 1
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                some(CAPTURED_STEPS)
            graphs.append(graph)
        if graphs:
            for _ in range(count // CAPTURED_STEPS):
                graphs[0].replay()
            count %= CAPTURED_STEPS
        some(count)

    return steps


def filled_up(rows: Tensor, num_rows: int, num_columns: int) -> Tensor:
    """A matrix with rows and columns of zeros after those that are there."""
    wide = rows.new_zeros(num_rows, num_columns)
    wide[: len(rows), : rows.shape[1]] = rows
    return wide


def block_constants(block: Block) -> dict[str, int]:
    """The compile-time constants of a block."""
    return {"BP": block.points, "BU": block.units, "num_warps": block.warps}
