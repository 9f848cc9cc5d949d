"""Which engine computes a pack, and why."""

from __future__ import annotations

import functools
import importlib.util
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from pipeline.diagnostics.diagnostic import Diagnostic
from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.coverage import beyond, of_your_own
from pipeline.engines.engine import Engine
from pipeline.engines.reference.closed_form import ClosedForm
from pipeline.engines.reference.engine import Reference
from pipeline.errors import PipelineError
from pipeline.experiment.engine_names import CHEBYSHEV, CLOSED_FORM, FUSED, LINEAR_QR, ONE_INPUT, EngineChoice, fastest
from pipeline.experiment.packing import Pack
from pipeline.experiment.trial import Shape
from pipeline.models.linear import LinearModel
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Optimizer, UpdateRule
from pipeline.problems.losses import Loss

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


@dataclass(frozen=True)
class ChosenEngine:
    """The engine of all packs of one shape on one kind of device: chosen once, and carried to whoever needs it.

    Args:
        family: The class of the engine.
        reason: What keeps the fused engine from the shape, as the rest of a sentence about it; empty where it computes
            the shape, or where the closed form was asked for.
        rounds_to_tf32: Whether factors of matrix products are rounded to tf32.
    """

    family: type[Engine]
    reason: str = ""
    rounds_to_tf32: bool = False

    @property
    def name(self) -> str:
        """The name that records keep."""
        return self.family.name

    def build(self, context: PackContext, batch_size: int | None, device: torch.device) -> Engine:
        """The engine of one pack.

        Args:
            context: Model, points, loss and optimizer of the pack.
            batch_size: B, points of an update; ``None`` for all.
            device: Where the weights are.

        Returns:
            An engine of the family, with its kernels compiled and its points on the device.
        """
        return self.family(context, batch_size, device)

    def compile(self, shape: Shape, diagnostics: Iterable[Diagnostic]) -> None:
        """Compile the kernels of a shape, if they are not compiled yet; Triton compiles at the first launch."""
        minibatches = shape.batch_size is not None
        top_of_hessian = any(
            one.takes_top_of_hessian and one.concerns(shape.model, shape.loss, shape.optimizer, minibatches=minibatches)
            for one in diagnostics
        )
        self.family.compile_kernels(shape, top_of_hessian=top_of_hessian)


def choose_engine(requested: EngineChoice, shape: Shape, device_type: str) -> ChosenEngine:
    """The engine that computes packs of a shape: the one requested by name, or for ``auto`` the fastest that can.

    Args:
        requested: What the experiment says.
        shape: Model, width, problem, loss, optimizer and dtype of a pack.
        device_type: ``cpu``, ``cuda``, or another of PyTorch's, on which only the reference engine computes.

    Returns:
        The choice, with its reason where it is not the fused engine.

    Raises:
        PipelineError: If the engine requested by name cannot compute the shape.
    """
    if requested == CLOSED_FORM:
        return ChosenEngine(ClosedForm)
    reason = _not_fused(requested, shape, device_type)
    if reason is not None:
        return ChosenEngine(Reference, reason)
    # Imported where they are chosen: a machine without LLVM or Triton has the other engines.
    if device_type != CUDA:
        return ChosenEngine(_on_cpu(fastest(shape) if requested == "auto" else FUSED))
    from pipeline.engines.gpu.choice import kernel_family
    from pipeline.engines.gpu.matrices import ByMatrices

    assert isinstance(shape.optimizer, UpdateRule)
    size = (shape.width, shape.problem.num_inputs, shape.problem.num_outputs)
    family = kernel_family(shape.optimizer, *size, _real_bytes(shape))
    return ChosenEngine(family, rounds_to_tf32=shape.dtype == "tf32" and family is ByMatrices)


def _on_cpu(name: str) -> type[Engine]:
    """The class of a fused engine for processors; where llvmlite is missing it cannot be imported."""
    from pipeline.engines.cpu.engine import Fused
    from pipeline.engines.cpu.linear_qr import LinearQr
    from pipeline.engines.cpu.one_input import OneInput
    from pipeline.engines.cpu.smooth_one_input import SmoothOneInput

    families: dict[str, type[Engine]] = {
        FUSED: Fused,
        ONE_INPUT: OneInput,
        CHEBYSHEV: SmoothOneInput,
        LINEAR_QR: LinearQr,
    }
    return families[name]


def announced(packs: Sequence[Pack], engines: Mapping[Shape, ChosenEngine]) -> str:
    """One line that says which engines compute some packs, and what keeps the fused engine from the others.

    Args:
        packs: Some packs.
        engines: The engine of each of their shapes.

    Returns:
        Such as ``engine: fused for 2 packs, reference for 1 pack (the fused one takes 128 inputs at most, not 129)``.
    """
    counts = Counter((engines[pack.shape].name, engines[pack.shape].reason) for pack in packs)
    parts = []
    for (name, reason), number in counts.items():
        why = f" (the fused one {reason})" if reason else ""
        parts.append(f"{name} for {number} pack{'s' * (number > 1)}{why}")
    exact = sum(pack.shape.dtype == "tf32" and not engines[pack.shape].rounds_to_tf32 for pack in packs)
    as_float32 = f"; tf32 is computed as float32 in {exact} of them" if exact else ""
    return "engine: " + ", ".join(parts) + as_float32


def _real_bytes(shape: Shape) -> int:
    """Bytes of a weight as it is stored."""
    return 4 if shape.stored == "float32" else 8


def _not_fused(requested: EngineChoice, shape: Shape, device_type: str) -> str | None:
    """What keeps the fused engine from a shape, as the rest of a sentence about it; ``None`` if nothing does."""
    if requested == "reference":
        return "was not asked for"
    if device_type == "cpu":
        reason = _not_on_cpu(shape)
    elif device_type == CUDA:
        reason = _not_on_gpu(shape)
    else:
        reason = "computes on processors and on CUDA devices only"
    if reason is not None and requested == "fused":
        raise PipelineError(f"the fused engine {reason}", hint="set engine: auto")
    return reason


def _not_on_gpu(shape: Shape) -> str | None:
    """What keeps the fused engine for GPUs from a shape."""
    if importlib.util.find_spec("triton") is None:
        return "needs triton, which is not installed"
    from pipeline.engines.gpu.choice import not_covered

    size = (shape.problem.num_inputs, shape.problem.num_outputs)
    return not_covered(shape.model, shape.loss, shape.optimizer, *size)


def _not_on_cpu(shape: Shape) -> str | None:
    """What keeps the fused engine for processors from a shape."""
    model, width = shape.model, shape.width
    size = (shape.problem.num_inputs, shape.problem.num_outputs)
    models, most_outputs = (Shallow, LinearModel), MOST_OUTPUTS_OF_LINEAR if model.linear else MOST_OUTPUTS
    reason = beyond(model, shape.optimizer, *size, most_inputs=MOST_INPUTS, most_outputs=most_outputs, models=models)
    if reason is not None:
        return reason
    if model.linear and width * _real_bytes(shape) > MOST_FEATURE_BYTES:
        return f"takes {MOST_FEATURE_BYTES // _real_bytes(shape)} features at most, not {width}"
    if (num_weights := model.num_weights(width, *size)) > MOST_WEIGHTS:
        return f"takes {MOST_WEIGHTS} weights at most, not {num_weights}"
    return _not_here() or _not_written(model, shape.loss, shape.optimizer)


def _not_written(model: Model, loss: Loss, optimizer: Optimizer) -> str | None:
    """What of a model and its training no SIMD kernel is written for yet."""
    from pipeline.engines.cpu.kernels import activations, losses, updates

    if isinstance(model, Shallow) and not isinstance(model.activation, activations.COVERED):
        return f"has no {model.activation.name()}{of_your_own(model.activation)}"
    if not isinstance(loss, losses.COVERED):
        return f"has no {loss.name()}{of_your_own(loss)}"
    return None if isinstance(optimizer, updates.COVERED) else f"has no {optimizer.name()}{of_your_own(optimizer)}"


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
