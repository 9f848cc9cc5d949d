"""The fused engine on a GPU and its peers there, each a function that trains a pack on random points."""

from __future__ import annotations

import functools
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX would take most of the GPU from PyTorch
import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Engine, Stack
from pipeline.engines.gpu.choice import engine_on_gpu
from pipeline.engines.gpu.registers import InRegisters
from pipeline.engines.gpu.thread_layout import ThreadLayout
from pipeline.engines.reference.engine import Reference
from pipeline.engines.reference.gradients import stacked_gradient
from pipeline.models.activations import Activation, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import UpdateRule
from pipeline.problems.losses import Loss, SoftmaxCrossEntropy, Task
from pipeline.problems.problem import Dataset

NetworkShape = tuple[int, int, int, int]
EngineFactory = Callable[[PackContext, int | None, torch.device], Engine]


@dataclass(frozen=True)
class BlockedSteps:
    """How a pack is trained.

    Args:
        blocks: Makes a number of blocks of steps of every trial, and returns when they are done.
        size: Steps of a block.
        state: Gives the weights as they are.
    """

    blocks: Callable[[int], None]
    size: int = 1
    state: Callable[[], Any] = lambda: None
    """The weights as they are."""


LEARNING_RATE = 0.01
CAPTURED_STEPS = 10
SCANNED_STEPS = 50


def context_of(
    shape: NetworkShape, activation: Activation, device: torch.device, rule: UpdateRule, loss: Loss, dtype: torch.dtype
) -> PackContext:
    """A network of a shape and random points."""
    num_points, num_inputs, width, num_outputs = shape
    drawn = torch.Generator().manual_seed(0)
    inputs_PD = torch.rand(num_points, num_inputs, generator=drawn, dtype=torch.float64) * 2 - 1
    answer_P = torch.randint(num_outputs, (num_points,), generator=drawn)
    targets_PK = torch.nn.functional.one_hot(answer_P, num_outputs).double()
    if num_outputs == 1:
        targets_PK = torch.exp(-inputs_PD.square().sum(dim=1, keepdim=True))
    data = Dataset(inputs_PD, targets_PK, inputs_PD[:2], targets_PK[:2]).on(device)
    return PackContext(Shallow(activation), width, rule, loss, Task.REGRESSION, data, dtype)


def stack_of(context: PackContext, num_trials: int, device: torch.device) -> Stack:
    """Trials at random weights of the size that networks begin with."""
    num_inputs, num_outputs = context.dataset.train_inputs_PD.shape[1], context.num_outputs
    assert isinstance(context.optimizer, UpdateRule)
    num_weights = context.model.num_weights(context.width, num_inputs, num_outputs)
    drawn = torch.Generator().manual_seed(1)
    weights_TN = torch.rand(num_trials, num_weights, generator=drawn, dtype=torch.float64) * 2 - 1
    weights_TN[:, -num_outputs * (context.width + 1) :] /= context.width**0.5
    weights_TN = weights_TN.to(device, context.dtype)
    return Stack(
        tuple(map(str, range(num_trials))),
        weights_TN,
        tuple(torch.zeros_like(weights_TN) for _ in range(context.optimizer.slots)),
        torch.full((num_trials, 1), LEARNING_RATE, device=device, dtype=context.dtype),
        torch.full((num_trials,), 1e10, device=device, dtype=context.dtype),
    )


def fused(
    context: PackContext,
    num_trials: int,
    device: torch.device,
    layout: ThreadLayout | None = None,
    made: EngineFactory = engine_on_gpu,
) -> BlockedSteps:
    """The fused engine, with its own thread layout or another, by the kernels that it chooses or those named."""
    engine, stack = made(context, None, device), stack_of(context, num_trials, device)
    if layout is not None:
        assert isinstance(engine, InRegisters)
        engine.training_layout = layout
    return BlockedSteps(functools.partial(advanced, engine, stack))


def reference(context: PackContext, num_trials: int, device: torch.device) -> BlockedSteps:
    """The reference engine: an operation at a time, for as many trials as stay in cache."""
    engine, stack = Reference(context, None, device), stack_of(context, num_trials, device)
    return BlockedSteps(functools.partial(advanced, engine, stack))


def captured(context: PackContext, num_trials: int, device: torch.device) -> BlockedSteps:
    """The operations of the reference engine for the whole stack, captured once and replayed as a CUDA graph.

    Args:
        context: What the trials are trained on.
        num_trials: T.
        device: A CUDA device.

    Returns:
        Steps that come in blocks of ``CAPTURED_STEPS``.

    Raises:
        RuntimeError: Without a CUDA device.
    """
    if device.type != "cuda":
        raise RuntimeError("needs a CUDA device")
    stack, rule = stack_of(context, num_trials, device), context.optimizer
    assert isinstance(rule, UpdateRule)
    points = (
        context.prepared_AP.to(context.dtype).contiguous(),
        context.dataset.train_targets_PK.to(context.dtype).mT.contiguous(),
    )
    own, gradient_TN = (
        stacked_gradient(context.model, context.loss, context.width, context.num_outputs),
        stack.weights_TN.clone(),
    )

    def step() -> None:
        own(stack.weights_TN, gradient_TN, *points)
        rule(stack.weights_TN, gradient_TN, stack.slots, stack.learning_rates_T1, 1)

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(CAPTURED_STEPS):
            step()

    return in_blocks(graph.replay, torch.cuda.synchronize, CAPTURED_STEPS, lambda: stack.weights_TN)


def advanced(engine: Engine, stack: Stack, count: int) -> None:
    """Make ``count`` steps by an engine, whose answer is on the host when it returns."""
    engine.advance(stack, 0, count)


def in_blocks(block: Callable[[], Any], wait: Callable[[], Any], size: int, state: Callable[[], Any]) -> BlockedSteps:
    """Steps that come in blocks, which are waited for at the end."""

    def blocks(count: int) -> None:
        for _ in range(count):
            block()
        wait()

    return BlockedSteps(blocks, size, state)


def jax_vmap(context: PackContext, num_trials: int, device: torch.device) -> BlockedSteps:
    """JAX: the training loop of one trial as a ``scan``, ``vmap`` over trials, ``jit`` over all.

    Args:
        context: What the trials are trained on.
        num_trials: T.
        device: Where.

    Returns:
        Steps that come in blocks of ``SCANNED_STEPS``.

    Raises:
        RuntimeError: Where JAX is not installed, or does not see the GPU.
    """
    if importlib.util.find_spec("jax") is None:
        raise RuntimeError("JAX is not installed")
    import jax
    import jax.numpy as jnp

    if device.type == "cuda" and jax.default_backend() != "gpu":
        raise RuntimeError("JAX does not see the GPU")
    data, stack = context.dataset, stack_of(context, num_trials, torch.device("cpu"))
    x_PD, y_PK = (jnp.asarray(a.float().cpu().numpy()) for a in (data.train_inputs_PD, data.train_targets_PK))
    assert isinstance(context.model, Shallow)
    start: Any = tuple(
        jnp.asarray(layer.contiguous().numpy())
        for layer in context.model.layers(stack.weights_TN, context.width, context.num_outputs)
    )
    activate = jnp.tanh if context.model.activation == Tanh() else jax.nn.relu
    softmax = isinstance(context.loss, SoftmaxCrossEntropy)

    def loss(weights: tuple[Any, Any]) -> Any:
        hidden_WA, output_KF = weights
        hidden_PW = activate(x_PD @ hidden_WA[:, :-1].T + hidden_WA[:, -1])
        outputs_PK = hidden_PW @ output_KF[:, :-1].T + output_KF[:, -1]
        if softmax:
            return -(y_PK * jax.nn.log_softmax(outputs_PK)).sum(axis=1).mean()
        return jnp.square(outputs_PK - y_PK).sum(axis=1).mean() / 2

    def descend(weights: tuple[Any, Any], _: None) -> tuple[Any, None]:
        slopes = jax.grad(loss)(weights)
        return jax.tree.map(lambda w, g: w - LEARNING_RATE * g, weights, slopes), None

    train = jax.jit(jax.vmap(lambda one: jax.lax.scan(descend, one, None, length=SCANNED_STEPS)[0]))
    current = [start]

    def block() -> None:
        with jax.default_matmul_precision("float32"):  # not tf32, which the fused engine does not use either
            current[0] = train(current[0])

    return in_blocks(block, lambda: jax.block_until_ready(current[0]), SCANNED_STEPS, lambda: current[0])


PEERS: dict[str, Callable[[PackContext, int, torch.device], BlockedSteps]] = {
    "x reference": reference,
    "x CUDA graph": captured,
    "x JAX vmap": jax_vmap,
}
