"""Which engine computes a pack, and why."""

from __future__ import annotations

import functools
import importlib.util
from collections import Counter
from collections.abc import Iterable, Sequence

import torch

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.coverage import beyond
from pipeline.engines.engine import Engine
from pipeline.engines.reference.closed_form import ClosedForm
from pipeline.engines.reference.engine import Reference
from pipeline.errors import PipelineError
from pipeline.experiment.engine_names import CLOSED_FORM, EngineChoice
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Shape
from pipeline.models.linear import LinearModel
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Optimizer, UpdateRule

MOST_INPUTS = 128
"""Inputs of a network that the fused engine takes. Measured on one core, at 1,024 points and width 256, in GF/s, fused
and reference: 110 and 24 for 8 inputs, 100 and 53 for 32, 80 and 64 for 64, 75 and 69 for 128, 75 and 81 for 256."""
MOST_OUTPUTS = 16
"""Outputs likewise, each of them written out: 82 and 28 for 10, 73 and 36 for 16, 54 and 45 for 26."""
MOST_WEIGHTS = 1 << 17
"""Weights of a trial likewise: each has a register of sums over points, together 8 MiB for each core. At 77,000 (1,437
points, 64 inputs, width 1,024, 10 outputs) it was 79 and 49."""
MOST_OUTPUTS_OF_LINEAR = 32
"""Outputs of a linear model. Measured as above, at 256 points and 256 features: 93 and 77 for 10, 96 and 84 for 16, 98
and 85 for 26, 69 and 80 for 64."""
MOST_FEATURE_BYTES = 2048
"""Features of a point of a linear model, by their size: with more, a tile of points and its sums leave the cache. At
4,096 points and 1 output, in float64: 48 and 31 for 256, 25 and 30 for 512; in float32: 98 and 68 for 512, 39 and 60
for 1,024."""

CUDA = "cuda"


def engine_of(asked: EngineChoice, context: PackContext, batch_size: int | None, device: torch.device) -> Engine:
    """The engine of a pack.

    Args:
        asked: What the experiment says: one by its name, or what to look for.
        context: What is trained.
        batch_size: Points of an update, ``None`` for all.
        device: Where the weights are.

    Raises:
        PipelineError: If the engine asked for cannot compute it.
    """
    if asked == CLOSED_FORM:
        return ClosedForm(context, batch_size, device)
    size = (context.width, context.dataset.train_inputs_PD.shape[1], context.num_outputs)
    reason = _not_fused(asked, context.model, context.optimizer, *size, context.dtype.itemsize, device.type)
    if reason is not None:
        return Reference(context, batch_size, device)
    if device.type == CUDA:
        from pipeline.engines.gpu.choice import on_card

        return on_card(context, batch_size, device)
    from pipeline.engines.cpu.engine import Fused

    return Fused(context, batch_size, device)


def name_and_reason(asked: EngineChoice, shape: Shape, device_type: str) -> tuple[str, str]:
    """Which engine will compute packs of a shape, and why it is not the fused one, if it is not.

    Raises:
        PipelineError: If the engine asked for cannot compute it.
    """
    if asked == CLOSED_FORM:
        return ClosedForm.name, ""
    size = (shape.width, shape.problem.num_inputs, shape.problem.num_outputs)
    real_bytes = 4 if shape.stored == "float32" else 8
    reason = _not_fused(asked, shape.model, shape.optimizer, *size, real_bytes, device_type)
    return ("fused", "") if reason is None else (Reference.name, reason)


def compile_engine(asked: EngineChoice, shape: Shape, diagnostics: Iterable[Diagnostic], device_type: str) -> None:
    """Compile what the engine of a shape needs, if it is not compiled yet; Triton does so at the first launch."""
    if device_type == "cpu" and name_and_reason(asked, shape, device_type)[0] == "fused":
        from pipeline.engines.cpu.engine import compile_for

        compile_for(shape, top_of_hessian=any(one.takes_top_of_hessian for one in diagnostics))


def announced(packs: Sequence[Pack], asked: EngineChoice, device_type: str) -> str:
    """Which engines will compute some packs, and why not all of them the fused one, in one line.

    Raises:
        PipelineError: If the engine asked for cannot compute one.
    """
    counts = Counter(name_and_reason(asked, pack.shape, device_type) for pack in packs)
    parts = []
    for (name, reason), number in counts.items():
        why = f" (the fused one {reason})" if reason else ""
        parts.append(f"{name} for {number} pack{'s' * (number > 1)}{why}")
    exact = sum(pack.shape.dtype == "tf32" and not rounds(pack.shape, asked, device_type) for pack in packs)
    as_float32 = f"; tf32 is computed as float32 in {exact} of them" if exact else ""
    return "engine: " + ", ".join(parts) + as_float32


def rounds(shape: Shape, asked: EngineChoice, device_type: str) -> bool:
    """Whether packs of a shape that allows it will be computed with products of matrices rounded to tf32."""
    if device_type != CUDA or name_and_reason(asked, shape, device_type)[0] != "fused":
        return False
    from pipeline.engines.gpu.choice import by_matrices

    assert isinstance(shape.optimizer, UpdateRule)
    size = (shape.width, shape.problem.num_inputs, shape.problem.num_outputs)
    return by_matrices(shape.optimizer, *size, real_bytes=4)


def _not_fused(
    asked: EngineChoice,
    model: Model,
    optimizer: Optimizer,
    width: int,
    num_inputs: int,
    num_outputs: int,
    real_bytes: int,
    device_type: str,
) -> str | None:
    """What keeps the fused engine from a shape, as the rest of a sentence about it; ``None`` if nothing does."""
    if asked == "reference":
        return "was not asked for"
    size = (width, num_inputs, num_outputs)
    if device_type == "cpu":
        reason = _not_covered(model, optimizer, *size, real_bytes)
    elif device_type == CUDA:
        reason = _not_on_card(model, optimizer, num_inputs, num_outputs)
    else:
        reason = "computes on processors and on CUDA devices only"
    if reason is not None and asked == "fused":
        raise PipelineError(f"the fused engine {reason}", hint="set engine: auto")
    return reason


def _not_on_card(model: Model, optimizer: Optimizer, num_inputs: int, num_outputs: int) -> str | None:
    """What keeps the fused engine for graphics cards from a shape."""
    if importlib.util.find_spec("triton") is None:
        return "needs triton, which is not installed"
    from pipeline.engines.gpu.choice import not_covered

    return not_covered(model, optimizer, num_inputs, num_outputs)


def _not_covered(
    model: Model, optimizer: Optimizer, width: int, num_inputs: int, num_outputs: int, real_bytes: int
) -> str | None:
    """What keeps the fused engine for processors from a shape."""
    models, most_outputs = (Shallow, LinearModel), MOST_OUTPUTS_OF_LINEAR if model.linear else MOST_OUTPUTS
    size = (num_inputs, num_outputs)
    reason = beyond(model, optimizer, *size, most_inputs=MOST_INPUTS, most_outputs=most_outputs, models=models)
    if reason is not None:
        return reason
    if model.linear and width * real_bytes > MOST_FEATURE_BYTES:
        return f"takes {MOST_FEATURE_BYTES // real_bytes} features at most, not {width}"
    if (num_weights := model.num_weights(width, num_inputs, num_outputs)) > MOST_WEIGHTS:
        return f"takes {MOST_WEIGHTS} weights at most, not {num_weights}"
    return _not_here() or _not_written(model, optimizer)


def _not_written(model: Model, optimizer: Optimizer) -> str | None:
    """What of a model and its training nobody has written as arithmetic on lanes yet."""
    from pipeline.engines.cpu.kernels import activations, updates

    if isinstance(model, Shallow) and not isinstance(model.activation, activations.COVERED):
        return f"has no {model.activation.name()}"
    return None if isinstance(optimizer, updates.COVERED) else f"has no {optimizer.name()}"


@functools.cache
def _not_here() -> str | None:
    """What keeps the fused engine from this machine."""
    try:
        if importlib.util.find_spec("llvmlite") is None:
            return "needs llvmlite, which is not installed"
        from pipeline.engines.cpu.codegen.processor import has, is_x86

        lacks_it = is_x86() and not has("fma")
    except (ImportError, OSError) as error:  # as where the system's C library is older than the one it was made for
        return f"needs llvmlite, which cannot be loaded: {str(error).partition('. ')[0]}"
    if lacks_it:
        return "needs a processor with fused multiply-add"
    return None
