"""The fused engine for GPUs: in registers what fits there, by products of matrices what does not.

Small networks are trained by one program each, from the first step of a segment to its last
(``registers.py``); networks of more inputs, outputs or hidden units take two launches a step, by products of
matrices on matrix units where the experiment allows tf32 or asks for float64 (``matrices.py``). Where both could,
registers are taken, which round nothing to tf32. That is a guess by their limits, for no GPU was at hand:
``python -m pipeline.bench.gpu`` measures both.
"""

from __future__ import annotations

import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.coverage import beyond, of_your_own
from pipeline.engines.engine import Engine
from pipeline.engines.gpu.kernels import elementwise
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.gpu.registers import InRegisters, fits_registers
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Optimizer, UpdateRule
from pipeline.problems.losses import Loss

MOST_INPUTS = 128
"""Inputs of a network: a program has a matrix of them and 64 hidden units on chip."""
MOST_OUTPUTS = 16
"""Outputs likewise."""


def not_covered(model: Model, loss: Loss, optimizer: Optimizer, num_inputs: int, num_outputs: int) -> str | None:
    """What keeps the fused engine for GPUs from a shape, as the rest of a sentence about it.

    Args:
        model: The model.
        loss: Its loss.
        optimizer: Its optimizer.
        num_inputs: D.
        num_outputs: K.

    Returns:
        Such as ``takes 128 inputs at most on a GPU, not 129``; ``None`` if nothing does.
    """
    size, where = (num_inputs, num_outputs), " on a GPU"
    reason = beyond(model, optimizer, *size, most_inputs=MOST_INPUTS, most_outputs=MOST_OUTPUTS, where=where)
    if reason is not None:
        return reason
    assert isinstance(model, Shallow)
    if not isinstance(model.activation, elementwise.ACTIVATIONS):
        return f"has no {model.activation.name()} on a GPU{of_your_own(model.activation)}"
    if not isinstance(loss, elementwise.LOSSES):
        return f"has no {loss.name()} on a GPU{of_your_own(loss)}"
    if not isinstance(optimizer, elementwise.RULES):
        return f"has no {optimizer.name()} on a GPU{of_your_own(optimizer)}"
    return None


def engine_on_gpu(context: PackContext, batch_size: int | None, device: torch.device) -> Engine:
    """The engine of a pack that is covered, by the kernels of its shape.

    Args:
        context: What the trials are trained on.
        batch_size: B, or ``None`` for all points.
        device: A CUDA device, or the processor where Triton's interpreter runs kernels.

    Returns:
        The engine.
    """
    assert isinstance(context.optimizer, UpdateRule)
    num_inputs = context.dataset.train_inputs_PD.shape[1]
    family = kernel_family(context.optimizer, context.width, num_inputs, context.num_outputs, context.dtype.itemsize)
    return family(context, batch_size, device)


def kernel_family(
    rule: UpdateRule, width: int, num_inputs: int, num_outputs: int, real_bytes: int
) -> type[InRegisters] | type[ByMatrices]:
    """The kernels of a shape that is covered: those in registers where they have room for it, else matrix products.

    Args:
        rule: The update rule, whose slots take registers, too.
        width: W.
        num_inputs: D.
        num_outputs: K.
        real_bytes: Bytes of a weight.

    Returns:
        The class of the engine.
    """
    return InRegisters if fits_registers(rule, width, num_inputs, num_outputs, real_bytes) else ByMatrices
