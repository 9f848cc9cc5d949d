"""The fused engine for graphics cards: in registers what fits there, by products of matrices what does not.

Small networks are trained by one program each, from the first step of a segment to its last
(``registers.py``); networks of more inputs, outputs or hidden units take two launches a step, by products of
matrices on matrix units where the experiment allows tf32 or asks for float64 (``matrices.py``). Where both could,
registers are taken, which round nothing to tf32. That is a guess by their limits, for no card was at hand:
``python -m pipeline.bench.gpu`` measures both.
"""

from __future__ import annotations

import torch

from pipeline.diagnostics.pack_context import PackContext
from pipeline.engines.coverage import beyond
from pipeline.engines.engine import Engine
from pipeline.engines.gpu.kernels import elementwise
from pipeline.engines.gpu.matrices import ByMatrices
from pipeline.engines.gpu.registers import InRegisters, fits
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Optimizer, UpdateRule

MOST_INPUTS = 128
"""Inputs of a network: a program has a matrix of them and 64 hidden units on chip."""
MOST_OUTPUTS = 16
"""Outputs likewise."""


def not_covered(model: Model, optimizer: Optimizer, num_inputs: int, num_outputs: int) -> str | None:
    """What keeps this engine from a shape, as the rest of a sentence about it; ``None`` if nothing does."""
    size, where = (num_inputs, num_outputs), " on a graphics card"
    reason = beyond(model, optimizer, *size, most_inputs=MOST_INPUTS, most_outputs=MOST_OUTPUTS, where=where)
    if reason is not None:
        return reason
    assert isinstance(model, Shallow)
    if not isinstance(model.activation, elementwise.ACTIVATIONS):
        return f"has no {model.activation.name()} on a graphics card"
    return None if isinstance(optimizer, elementwise.RULES) else f"has no {optimizer.name()} on a graphics card"


def on_card(context: PackContext, batch_size: int | None, device: torch.device) -> Engine:
    """The engine of a pack that is covered."""
    assert isinstance(context.optimizer, UpdateRule)
    num_inputs = context.dataset.train_inputs_PD.shape[1]
    size = (context.width, num_inputs, context.num_outputs)
    family = ByMatrices if by_matrices(context.optimizer, *size, real_bytes=context.dtype.itemsize) else InRegisters
    return family(context, batch_size, device)


def by_matrices(rule: UpdateRule, width: int, num_inputs: int, num_outputs: int, *, real_bytes: int) -> bool:
    """Whether a shape that is covered is trained by products of matrices."""
    return not fits(rule, width, num_inputs, num_outputs, real_bytes)
