"""The speed of the fused engine on a GPU: beside its peers, by each family of kernels, in each thread layout."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from pipeline.bench.gpu_peers import PEERS, BlockedSteps, EngineFactory, NetworkShape, context_of, fused, reference
from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.gpu.choice import not_covered
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.gpu.registers import InRegisters, fits_registers
from pipeline.engines.gpu.thread_layout import SHARED_REGISTERS, ThreadLayout, most_unit_rows
from pipeline.models.activations import Activation, Relu
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import GradientDescent
from pipeline.problems.losses import HalfMeanSquare, Loss, SoftmaxCrossEntropy

FLOAT32_RATE = 67e12
"""Operations a second of an H100 or H200 (SXM) in float32 outside its matrix units, from its data sheet."""
PEER_BYTES = 8 << 30
"""Memory that a peer may take for the hidden units of a pack at all points."""


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


def row(*cells: object) -> str:
    """Cells in columns of one width."""
    return "  ".join(f"{cell!s:<14}" for cell in cells).rstrip()


def operations_of(shape: NetworkShape) -> int:
    """Floating-point operations of a step of one trial."""
    num_points, num_inputs, width, num_outputs = shape
    return num_points * width * (4 * num_inputs + 6 * num_outputs + 4)


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
    reason = not_covered(Shallow(activation), loss, GradientDescent(), num_inputs, num_outputs)
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


def families_compared(options: GpuBenchOptions, device: torch.device) -> Iterator[str]:
    """The speed of both families of kernels, of products of matrices also in tf32, where they cover a shape."""
    rates = {rounded: product_rate(device, rounded=rounded) for rounded in (False, True)}
    largest = max(options.packs)
    for shape, num_trials in itertools.product(options.shapes, sorted({min(32, largest), largest})):
        _, num_inputs, width, num_outputs = shape
        if not_covered(Shallow(Relu()), HalfMeanSquare(), GradientDescent(), num_inputs, num_outputs):
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
