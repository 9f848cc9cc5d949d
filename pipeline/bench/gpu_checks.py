"""How far the fused engine on a GPU is from the reference engine on the same device."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import torch

from pipeline.bench.gpu_peers import EngineFactory, context_of, stack_of
from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Stack
from pipeline.engines.gpu.choice import engine_on_gpu
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.reference.engine import Reference
from pipeline.models.activations import ACTIVATIONS, Relu, Tanh
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, UpdateRule
from pipeline.problems.losses import BinaryCrossEntropy, HalfMeanSquare, Loss, SoftmaxCrossEntropy

CHECKED: tuple[tuple[str, Loss, UpdateRule, int], ...] = (
    ("relu", HalfMeanSquare(), GradientDescent(), 1),
    ("leaky_relu", HalfMeanSquare(), Momentum(), 1),
    ("sigmoid", BinaryCrossEntropy(), Nesterov(), 2),
    ("tanh", SoftmaxCrossEntropy(), Adam(), 3),
    ("identity", HalfMeanSquare(), Adam(), 1),
)


def checks(device: torch.device) -> Iterator[tuple[str, float, float]]:
    """What was compared with the reference engine, its relative difference, and how much of that rounding explains."""
    for name, loss, rule, num_outputs in CHECKED:
        shape = (20, 3, 17, num_outputs)
        double = context_of(shape, ACTIVATIONS[name](), device, rule, loss, torch.float64)
        what = f"{name}, {loss.name()}, {rule.name()}, float64, 4 steps"
        yield what, difference(double, engine_on_gpu, double, device, 4, 7), 1e-12
    double = context_of((20, 33, 17, 5), Tanh(), device, Adam(), SoftmaxCrossEntropy(), torch.float64)
    what = "33 inputs, 5 outputs, by products of matrices, float64, 4 steps of minibatches"
    yield what, difference(double, ByMatrices, double, device, 4, 7), 1e-12
    if device.type == "cuda":  # 100 steps by a CUDA graph; the rounding of tf32 leaves three digits
        double = context_of(
            (1437, 64, 256, 10), Relu(), device, GradientDescent(), SoftmaxCrossEntropy(), torch.float64
        )
        yield (
            "digits, by a CUDA graph, float64, 100 steps",
            difference(double, ByMatrices, double, device, 100, None),
            1e-12,
        )
        rounded = dataclasses.replace(double, dtype=torch.float32, rounded=True)
        yield "digits, tf32 against float64, 1 step", difference(rounded, ByMatrices, double, device, 1, None), 1e-2
    for activation in (Relu(), Tanh()):
        shape = (256, 2, 64, 1) if device.type == "cuda" else (12, 2, 5, 1)
        rule, steps = GradientDescent(), 100 if device.type == "cuda" else 2
        exact = context_of(shape, activation, device, rule, HalfMeanSquare(), torch.float64)
        single = dataclasses.replace(exact, dtype=torch.float32)
        what = f"{activation.name()}, {'x'.join(map(str, shape))}, float32 against float64, {steps} steps"
        yield what, difference(single, engine_on_gpu, exact, device, steps, None), 1e-4


def difference(
    context: PackContext,
    engine: EngineFactory,
    exact: PackContext,
    device: torch.device,
    steps: int,
    batch_size: int | None,
) -> float:
    """How far an engine is from the reference engine: losses and gradients at the start, then weights after some steps.

    Args:
        context: What 2 trials are trained on.
        engine: The engine.
        exact: What the reference engine trains them on.
        device: Where.
        steps: Updates.
        batch_size: B, or ``None`` for all points.

    Returns:
        The largest difference over the largest value; infinite where a trial diverged.
    """
    found = []
    for what, made in ((context, engine), (exact, Reference)):
        stack = stack_of(context, 2, device)
        stack = Stack(
            stack.trial_ids,
            stack.weights_TN.to(what.dtype),
            tuple(slot_TN.to(what.dtype) for slot_TN in stack.slots),
            stack.learning_rates_T1.to(what.dtype),
            stack.loss_bounds_T.to(what.dtype),
        )
        computed = made(what, batch_size, device)
        losses_T, gradient_TN = computed.value_and_gradient(stack.weights_TN)
        if (computed.advance(stack, 0, steps) >= 0).any():
            return float("inf")
        found.append([values.double() for values in (losses_T, gradient_TN, stack.weights_TN)])
    return max(float((own - its).abs().max() / its.abs().max()) for own, its in zip(*found, strict=True))
