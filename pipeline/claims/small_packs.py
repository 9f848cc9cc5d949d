"""Snapshots of small packs, made without training: what a diagnostic is shown to be checked."""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.diagnostics.pack_context import PackContext
from pipeline.diagnostics.snapshot import Snapshot
from pipeline.models.model import Model
from pipeline.numerics.randomness import stream
from pipeline.optimizers.rules import GradientDescent, Optimizer
from pipeline.problems.losses import HalfMeanSquare, Loss, Task
from pipeline.problems.problem import Dataset

NUM_TRAIN, NUM_TEST, NUM_INPUTS, NUM_OUTPUTS, NUM_TRIALS = 20, 30, 2, 3, 4
RATE = 0.25


def small_snapshot(
    model: Model,
    loss: Loss | None = None,
    task: Task = Task.REGRESSION,
    optimizer: Optimizer | None = None,
    *,
    width: int = 5,
    dataset: Dataset | None = None,
    dtype: torch.dtype = torch.float64,
    weights: Tensor | None = None,
    start: Tensor | None = None,
) -> Snapshot:
    """A pack of four trials with random weights, or with those given, at step 7.

    Args:
        model: Its model.
        loss: Its loss, half the mean square by default.
        task: What its three outputs mean.
        optimizer: Its optimizer, gradient descent by default.
        width: W.
        dataset: Its points, 20 random ones of two inputs by default.
        dtype: Of the weights.
        weights: ``[T, N]``.
        start: Weights at step 0, ``[T, N]``.

    Returns:
        The snapshot, its losses and gradients by autograd.
    """
    problem = dataset or small_dataset(task)
    context = PackContext(model, width, optimizer or GradientDescent(), loss or HalfMeanSquare(), task, problem, dtype)
    num_weights = model.num_weights(width, problem.train_inputs_PD.shape[1], context.num_outputs)
    if weights is None:
        weights = torch.from_numpy(stream("weights").standard_normal((NUM_TRIALS, num_weights)))
    if start is None:
        start = 1 + torch.from_numpy(stream("start").standard_normal((len(weights), num_weights)))
    return _photograph(context, weights, start)


def small_dataset(task: Task) -> Dataset:
    """Random points, with random targets of a task."""
    inputs = [torch.from_numpy(stream("x", n).uniform(-1, 1, (n, NUM_INPUTS))) for n in (NUM_TRAIN, NUM_TEST)]
    return Dataset(inputs[0], _targets(task, NUM_TRAIN, "train"), inputs[1], _targets(task, NUM_TEST, "test"))


def _targets(task: Task, num_points: int, name: str) -> Tensor:
    rng = stream(name, task.value)
    match task:
        case Task.REGRESSION:
            values = rng.standard_normal((num_points, NUM_OUTPUTS))
        case Task.CLASSES:
            values = torch.eye(NUM_OUTPUTS, dtype=torch.float64)[rng.integers(NUM_OUTPUTS, size=num_points)].numpy()
        case Task.LABELS:
            values = rng.integers(2, size=(num_points, NUM_OUTPUTS)).astype(float)
    return torch.from_numpy(values)


def _photograph(context: PackContext, weights_TN: Tensor, start_TN: Tensor) -> Snapshot:
    weights_TN = weights_TN.to(context.dtype, copy=True).requires_grad_()
    prepared_AP = context.prepared_AP.to(context.dtype)
    outputs_TKP = context.model.outputs(weights_TN, prepared_AP, context.width, context.num_outputs)
    losses_T = context.loss(outputs_TKP, context.dataset.train_targets_PK.mT.to(context.dtype))
    (gradient_TN,) = torch.autograd.grad(losses_T.sum(), weights_TN)
    rates_T = torch.full((len(weights_TN),), RATE, dtype=torch.float64)
    return Snapshot(context, 7, weights_TN.detach(), losses_T.detach(), gradient_TN, rates_T, lambda: start_TN)
