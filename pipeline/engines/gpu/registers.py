"""Small networks on GPUs: a program for each trial, many whole steps in one launch.

On chip are, in registers, the weights of a trial, the memory of its update rule and the sums
over points that become its gradient; in the first-level cache, the points, which all
trials of a processor share. A launch makes all steps of a segment (with minibatches, of an
epoch), so small sweeps are not bound by launches, and a trial that has diverged ends its
program. A trial is computed by the same threads in the same order whatever its pack, with
no atomic operation, so its numbers do not depend on the pack, to the last bit.

What to expect, which is a prediction and not a measurement; no GPU was at hand. At 256 points, 2
inputs, 64 hidden units, ReLU, Triton 3.6 and 3.7 compile for sm_90 a loop of 12.1 instructions for each pair of a
point and a hidden unit, and 1.5 more a pair for sums across threads and the update, in 128
registers; 12 numbers are spilled, outside that loop. A pair counts as 18 operations, and a GPU makes at most 2 of
each instruction: a bound of 18 / (2 x 13.6) = 66 % of the float32 rate (67 TFLOP/s on an H100 or H200). Eight
programs of 2 warps fit on each of 132 processors, so a pack of 1,024 runs all at once and leaves 3 % idle. Four
warps for each scheduler cannot hide all waiting: 30 to 50 % is to be expected. tanh takes 35 instructions of a pair
and should reach about a third of that share. Adam, float64 and several outputs take up to 255 registers, some spilled,
and were not thought through for speed. ``python -m pipeline.bench.gpu`` measures it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.bias_corrections import corrections
from pipeline.engines.engine import Engine, Stack, check_arrays
from pipeline.engines.gpu.kernels import register_training
from pipeline.engines.gpu.thread_layout import ThreadLayout, most_units, thread_layout
from pipeline.engines.minibatches import Minibatches
from pipeline.models.activations import PIECEWISE_LINEAR
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, Momentum, Nesterov, UpdateRule

MOST_INPUTS = 16
"""Inputs that are written out one by one, each with registers of its own."""
MOST_OUTPUTS = 4
"""Outputs likewise; each takes a sum over all hidden units at every point."""


def fits_registers(rule: UpdateRule, width: int, num_inputs: int, num_outputs: int, real_bytes: int) -> bool:
    """Whether a program has registers for a network and what its update rule remembers.

    Args:
        rule: The update rule.
        width: W.
        num_inputs: D.
        num_outputs: K.
        real_bytes: Bytes of a weight.

    Returns:
        False for more than ``MOST_INPUTS``, ``MOST_OUTPUTS``, or hidden units than there are registers for.
    """
    most = most_units(num_inputs + 1 + num_outputs, rule.slots, real_bytes)
    return num_inputs <= MOST_INPUTS and num_outputs <= MOST_OUTPUTS and width <= most


@final
class InRegisters(Engine):
    """The fused engine for networks of few inputs, outputs and hidden units, on a CUDA device."""

    name: ClassVar[str] = "fused"

    def __init__(self, context: PackContext, batch_size: int | None, device: torch.device) -> None:
        assert isinstance(context.model, Shallow)
        assert isinstance(context.optimizer, UpdateRule)
        self.context, self.batch_size, self.rule = context, batch_size, context.optimizer
        self.inputs_DP = context.dataset.train_inputs_PD.mT.to(device, context.dtype).contiguous()
        self.targets_KP = context.dataset.train_targets_PK.mT.to(device, context.dtype).contiguous()
        self.minibatches = None
        if batch_size is not None:
            self.minibatches = Minibatches(self.inputs_DP, self.targets_KP, batch_size)
        straight = isinstance(context.model.activation, PIECEWISE_LINEAR)
        self.network = network_constants(context) | {"PIECEWISE_LINEAR": straight}
        self.training_layout = self.layout(batch_size or context.num_points)
        self.gradient_layout = self.layout(context.num_points)

    def layout(self, num_points: int) -> ThreadLayout:
        """The thread layout for updates on ``num_points`` points."""
        rows = len(self.inputs_DP) + 1 + len(self.targets_KP)
        return thread_layout(num_points, self.context.width, rows, self.rule.slots, self.inputs_DP.element_size())

    def value_and_gradient(self, weights_TN: Tensor) -> tuple[Tensor, Tensor]:
        weights_TN = weights_TN.contiguous()
        check_arrays(self.context.dtype, len(weights_TN), {"weights": weights_TN})
        losses_T, gradient_TN = weights_TN.new_empty(len(weights_TN)), torch.empty_like(weights_TN)
        if len(weights_TN):
            register_training.loss_and_gradient[(len(weights_TN),)](
                weights_TN, gradient_TN, losses_T, self.inputs_DP, self.targets_KP,
                weights_TN.shape[1], self.context.num_points, self.context.width,
                **self.network, **layout_constants(self.gradient_layout, self.context.num_points),
            )  # fmt: skip
        return losses_T, gradient_TN

    def advance(self, stack: Stack, first_step: int, last_step: int) -> Tensor:
        diverged_T = torch.full((len(stack),), -1)
        check_arrays(self.context.dtype, len(stack), stack.arrays())
        for first, last in epochs(first_step, last_step, self.minibatches) if len(stack) else ():
            found_T = self._launch(stack, first, last)
            diverged_T = torch.where((diverged_T < 0) & (found_T >= 0), found_T + first, diverged_T)
        return diverged_T

    def _launch(self, stack: Stack, first: int, last: int) -> Tensor:
        """Updates within one epoch; the number of the update before which a trial had diverged, from 0, or -1."""
        weights_TN = stack.weights_TN
        device, batch, permutation_TP = weights_TN.device, 0, weights_TN
        if self.minibatches is not None:
            epoch, batch = divmod(first, self.minibatches.per_epoch)
            permutation_TP = self.minibatches.permutations(stack.trial_ids, epoch).to(torch.int32)
        found_T = torch.full((len(stack),), -1, dtype=torch.int32, device=device)
        factors_H2 = torch.from_numpy(corrections(self.rule, first, last)).to(device, weights_TN.dtype)
        slots = (*stack.slots, weights_TN, weights_TN)[:2]  # a kernel takes two addresses, of which it may use none
        num_points = self.batch_size or self.context.num_points
        register_training.training[(len(stack),)](
            weights_TN, *slots, self.inputs_DP, self.targets_KP, permutation_TP,
            stack.learning_rates_T1.flatten().contiguous(), stack.loss_bounds_T.contiguous(), factors_H2, found_T,
            weights_TN.shape[1], last - first, batch, num_points, self.context.num_points, self.context.width,
            **self.network, **rule_constants(self.rule), BATCHED=self.minibatches is not None,
            **layout_constants(self.training_layout, num_points),
        )  # fmt: skip
        return found_T.cpu().to(torch.int64)


def epochs(first_step: int, last_step: int, minibatches: Minibatches | None) -> Iterator[tuple[int, int]]:
    """The steps in pieces that end with an epoch, whose permutation a launch takes.

    Args:
        first_step: Updates made before.
        last_step: Updates made in the end.
        minibatches: Where an epoch ends; ``None`` for full batches, of which one piece is made.

    Returns:
        The first and last step of each piece.
    """
    if first_step >= last_step:
        return iter(())
    longest = last_step if minibatches is None else minibatches.per_epoch
    ends = range((first_step // longest + 1) * longest, last_step, longest)
    return itertools.pairwise([first_step, *ends, last_step])


def network_constants(context: PackContext) -> dict[str, Any]:
    """The compile-time constants of a network."""
    assert isinstance(context.model, Shallow)
    activation = context.model.activation
    return {
        "D": context.dataset.train_inputs_PD.shape[1],
        "K": context.num_outputs,
        "LOSS": context.loss.name(),
        "ACTIVATION": activation.name(),
        "SLOPE": float(getattr(activation, "slope", 0.0)),
    }


def rule_constants(rule: UpdateRule) -> dict[str, Any]:
    """The compile-time constants of an update rule."""
    numbers = {"A": 0.0, "B": 0.0, "E": 0.0}
    match rule:
        case Momentum(momentum) | Nesterov(momentum):
            numbers["A"] = momentum
        case Adam(beta1, beta2, epsilon):
            numbers = {"A": beta1, "B": beta2, "E": epsilon}
    return {"RULE": rule.name(), "SLOTS": rule.slots, **numbers}


def layout_constants(layout: ThreadLayout, num_points: int) -> dict[str, Any]:
    """The compile-time constants of a thread layout."""
    return {
        "EXACT": num_points % layout.points == 0,
        "UR": layout.unit_rows,
        "PW": layout.point_warps,
        "UW": layout.unit_warps,
        "PL": layout.point_lanes,
        "UL": layout.unit_lanes,
        "TOGETHER": layout.points_together,
        "num_warps": layout.warps,
        "maxnreg": layout.most_registers,
    }
