"""The fused engine on a GPU beside its peers there: ``python -m pipeline.bench.gpu``.

First its numbers are checked against the reference engine on the same device. Then networks
of each shape are trained in packs by full-batch gradient descent in float32, by the fused engine, by the reference
engine (stacked PyTorch), by the same operations replayed as a CUDA graph, and by JAX (``vmap`` over
trials of a ``scan`` over steps, under ``jit``). A figure is the median of its repetitions. Last come other layouts for
the fused engine, so that the choice in ``engines/gpu/thread_layout.py`` can be judged. What fails or is not
covered says so in its row. It needs PyTorch, Triton and, for its peer, JAX, and nothing else of what this project
needs; without a GPU it runs where TRITON_INTERPRET=1 is set, for a test.

Shape letters: A inputs and a bias, F hidden units and a bias.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib.util
import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX would take most of the GPU from PyTorch

import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.engine import Engine, Stack
from pipeline.engines.gpu.choice import engine_on_gpu, not_covered
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.gpu.registers import InRegisters, fits_registers
from pipeline.engines.gpu.thread_layout import SHARED_REGISTERS, ThreadLayout, most_unit_rows
from pipeline.engines.reference.engine import Reference
from pipeline.engines.reference.gradients import stacked_gradient
from pipeline.models.activations import ACTIVATIONS, Activation, Relu, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, GradientDescent, Momentum, Nesterov, UpdateRule
from pipeline.problems.losses import BinaryCrossEntropy, HalfMeanSquare, Loss, SoftmaxCrossEntropy, Task
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


SHAPES = ((256, 2, 64, 1), (1024, 8, 256, 1), (4096, 2, 1024, 1), (64, 1, 256, 1), (32, 1, 16, 1), (1437, 64, 256, 10))
"""Points, inputs, hidden units, outputs, the one with a goal first."""
PACKS = (1024, 32, 1, 512)
FLOAT32_RATE = 67e12
"""Operations a second of an H100 or H200 (SXM) in float32 outside its matrix units, from its data sheet."""
LEARNING_RATE = 0.01
PEER_BYTES = 8 << 30
"""Memory that a peer may take for the hidden units of a pack at all points."""
CAPTURED_STEPS = 10
SCANNED_STEPS = 50


@dataclass(frozen=True)
class GpuBenchOptions:
    """What is measured, and for how long."""

    shapes: Sequence[NetworkShape]
    packs: Sequence[int]
    activations: Sequence[Activation]
    peers: Sequence[str]
    repetitions: int
    repetition_seconds: float
    deadline: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, measure and print; 1 if a check has failed."""
    options = parsed(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = False
    rate = product_rate(device)
    print(f"device: {torch.cuda.get_device_name() if device.type == 'cuda' else 'none; interpreted'}")
    print(f"PyTorch {torch.__version__}; matrix products in float32: {rate / 1e12:.3g} TFLOP/s")
    wrong = 0
    for what, difference, allowed in checks(device):
        wrong += not difference <= allowed
        print(f"check: {what}: {difference:.1e} {'within' if difference <= allowed else 'NOT WITHIN'} {allowed:.0e}")
    print("\nfigures are trial-steps/s; TFLOP/s by 4 d + 6 K + 4 operations a point and hidden unit", flush=True)
    print(row("activation", "N x d x m x K", "pack", "fused", "TFLOP/s", "of 67", "of products", "spread", *PEERS))
    for activation, num_trials, shape in itertools.product(options.activations, options.packs, options.shapes):
        print(measured_row(options, activation, shape, num_trials, device, rate), flush=True)
    print("\nboth families of kernels, ReLU, packs of 32 and the largest:")
    print(row("N x d x m x K", "pack", "family", "products", "trial-steps/s", "TFLOP/s", "of products"))
    for line in families_compared(options, device):
        print(line, flush=True)
    print("\nother layouts, ReLU, the largest pack:\n" + row("N x d x m x K", "trial-steps/s", "layout"))
    for line in layouts_tried(options, device):
        print(line, flush=True)
    return int(wrong > 0)


def parsed(arguments: Sequence[str] | None) -> GpuBenchOptions:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.bench.gpu", description=__doc__)
    parser.add_argument("--seconds", type=float, default=420, help="begin nothing new after so long (default: 420)")
    parser.add_argument("--shapes", default=" ".join("x".join(map(str, shape)) for shape in SHAPES))
    parser.add_argument("--packs", default=" ".join(map(str, PACKS)))
    parser.add_argument("--activations", default="relu tanh")
    parser.add_argument("--peers", default=", ".join(PEERS))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--repetition-seconds", type=float, default=0.1)
    given = parser.parse_args(arguments)
    shapes: list[Any] = [tuple(map(int, shape.split("x"))) for shape in given.shapes.split()]
    return GpuBenchOptions(
        shapes,
        [int(number) for number in given.packs.split()],
        [ACTIVATIONS[name]() for name in given.activations.split()],
        given.peers.split(", "),
        given.repetitions,
        given.repetition_seconds,
        time.monotonic() + given.seconds,
    )


def row(*cells: object) -> str:
    """Cells in columns of one width."""
    return "  ".join(f"{cell!s:<14}" for cell in cells).rstrip()


# What is trained.


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


def operations_of(shape: NetworkShape) -> int:
    """Floating-point operations of a step of one trial."""
    num_points, num_inputs, width, num_outputs = shape
    return num_points * width * (4 * num_inputs + 6 * num_outputs + 4)


# Whether it is right.

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


# How fast it is.


def measured_row(
    options: GpuBenchOptions,
    activation: Activation,
    shape: NetworkShape,
    num_trials: int,
    device: torch.device,
    rate: float,
) -> str:
    """The row of one pack: the fused engine and its peers."""
    named = (activation.name(), "x".join(map(str, shape)), num_trials)
    loss: Loss = SoftmaxCrossEntropy() if shape[3] > 1 else HalfMeanSquare()
    _, num_inputs, _, num_outputs = shape
    reason = not_covered(Shallow(activation), GradientDescent(), num_inputs, num_outputs)
    if reason is not None:
        return row(*named, f"the fused engine {reason}")
    if time.monotonic() > options.deadline:
        return row(*named, "not measured: time was up")
    context = context_of(shape, activation, device, GradientDescent(), loss, torch.float32)
    try:
        seconds = seconds_of_step(options, fused(context, num_trials, device))
    except Exception as error:
        return row(*named, error_cell(error))
    own = num_trials / statistics.median(seconds)
    speed = own * operations_of(shape)
    spread = (max(seconds) - min(seconds)) / statistics.median(seconds)
    cells: list[str] = []
    for name, make in PEERS.items():
        cells.append("-" if name not in options.peers else ratio(options, make, context, num_trials, device, own))
    shares = (f"{speed / 1e12:.3g}", f"{speed / FLOAT32_RATE:.1%}", f"{speed / rate:.1%}", f"{spread:.0%}")
    return row(*named, f"{own:,.0f}", *shares, *cells)


def ratio(
    options: GpuBenchOptions,
    make: Callable[[PackContext, int, torch.device], BlockedSteps],
    context: PackContext,
    num_trials: int,
    device: torch.device,
    own: float,
) -> str:
    """How many times a peer is slower, or why that is not known."""
    if time.monotonic() > options.deadline:
        return "time was up"
    if num_trials * context.width * context.num_points * 4 > PEER_BYTES and make is not reference:
        return "too large"
    try:
        seconds = statistics.median(seconds_of_step(options, make(context, num_trials, device)))
    except Exception as error:
        return error_cell(error)
    return f"x {own * seconds / num_trials:.3g}"


def error_cell(error: Exception) -> str:
    """An error as the text of a cell."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]:.60}"


def seconds_of_step(options: GpuBenchOptions, steps: BlockedSteps) -> list[float]:
    """Seconds of a step of a pack, one number a repetition; the first call, which compiles, does not count."""
    steps.blocks(1)
    count, elapsed = 1, 0.0
    while True:
        started = time.perf_counter()
        steps.blocks(count)
        elapsed = time.perf_counter() - started
        if elapsed >= options.repetition_seconds / 4:
            break
        count *= 4
    count = max(1, round(count * options.repetition_seconds / elapsed))
    seconds = []
    for _ in range(options.repetitions):
        started = time.perf_counter()
        steps.blocks(count)
        seconds.append((time.perf_counter() - started) / (count * steps.size))
    return seconds


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


def product_rate(device: torch.device, *, rounded: bool = False) -> float:
    """Floating-point operations a second of a large matrix product in float32, or rounded to tf32; the best of some."""
    torch.backends.cuda.matmul.allow_tf32 = rounded
    size = 8192 if device.type == "cuda" else 256
    left, right = (torch.rand(size, size, device=device) for _ in range(2))
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        product = torch.mm(left, right)
        float(product[0, 0])  # waits for it
        seconds.append(time.perf_counter() - started)
    torch.backends.cuda.matmul.allow_tf32 = False
    return 2 * size**3 / min(seconds)


# Whether its family and its tiles are well chosen.


def families_compared(options: GpuBenchOptions, device: torch.device) -> Iterator[str]:
    """The speed of both families of kernels, of products of matrices also in tf32, where they cover a shape."""
    rates = {rounded: product_rate(device, rounded=rounded) for rounded in (False, True)}
    largest = max(options.packs)
    for shape, num_trials in itertools.product(options.shapes, sorted({min(32, largest), largest})):
        _, num_inputs, width, num_outputs = shape
        if not_covered(Shallow(Relu()), GradientDescent(), num_inputs, num_outputs):
            continue
        loss: Loss = SoftmaxCrossEntropy() if num_outputs > 1 else HalfMeanSquare()
        exact = context_of(shape, Relu(), device, GradientDescent(), loss, torch.float32)
        ways: list[tuple[EngineFactory, bool]] = [(ByMatrices, False), (ByMatrices, True)]
        if fits_registers(GradientDescent(), width, num_inputs, num_outputs, 4):
            ways.append((InRegisters, False))
        for made, rounded in ways:
            named = ("x".join(map(str, shape)), num_trials, getattr(made, "__name__", made))
            if time.monotonic() > options.deadline:
                yield row(*named, "time was up")
                return
            context = dataclasses.replace(exact, rounded=rounded)
            try:
                seconds = seconds_of_step(options, fused(context, num_trials, device, made=made))
                own = num_trials / statistics.median(seconds)
                speed = own * operations_of(shape)
                cells = (f"{own:,.0f}", f"{speed / 1e12:.3g}", f"{speed / rates[rounded]:.1%}")
            except Exception as error:
                cells = (error_cell(error), "", "")
            yield row(*named, "tf32" if rounded else "float32", *cells)


def layouts_tried(options: GpuBenchOptions, device: torch.device) -> Iterator[str]:
    """The speed of the fused engine with each thread layout of a shape that its registers have room for."""
    for shape in options.shapes:
        _, num_inputs, width, num_outputs = shape
        if not fits_registers(GradientDescent(), width, num_inputs, num_outputs, 4):
            continue
        loss: Loss = SoftmaxCrossEntropy() if num_outputs > 1 else HalfMeanSquare()
        context = context_of(shape, Relu(), device, GradientDescent(), loss, torch.float32)
        chosen = InRegisters(context, None, device).training_layout
        for layout in nearby_layouts(chosen, num_inputs + 1 + num_outputs):
            if time.monotonic() > options.deadline:
                yield row("x".join(map(str, shape)), "time was up")
                return
            try:
                seconds = statistics.median(
                    seconds_of_step(options, fused(context, max(options.packs), device, layout))
                )
                speed = f"{max(options.packs) / seconds:,.0f}"
            except Exception as error:
                speed = error_cell(error)
            marks = " (as chosen)" if layout == chosen else ""
            yield row("x".join(map(str, shape)), speed, f"{layout}{marks}")


def nearby_layouts(chosen: ThreadLayout, rows: int) -> Iterator[ThreadLayout]:
    """The thread layout chosen, and those with twice or half of something."""
    yield chosen
    yield dataclasses.replace(chosen, most_registers=None if chosen.most_registers else SHARED_REGISTERS)
    for field in ("point_warps", "points_together"):
        for number in (getattr(chosen, field) // 2, getattr(chosen, field) * 2):
            layout = dataclasses.replace(chosen, **{field: number})
            if number and layout.warps <= 16:
                yield layout
    if chosen.unit_rows > 1 and chosen.warps <= 8:
        yield dataclasses.replace(chosen, unit_rows=chosen.unit_rows // 2, unit_warps=chosen.unit_warps * 2)
    if chosen.unit_warps > 1 and chosen.unit_rows < 2 * most_unit_rows(rows, 0, 4):
        yield dataclasses.replace(chosen, unit_rows=chosen.unit_rows * 2, unit_warps=chosen.unit_warps // 2)


if __name__ == "__main__":
    raise SystemExit(main())
