"""Which engine computes a pack."""

from __future__ import annotations

import torch

from pipeline.diagnostics.snapshot import Learned
from pipeline.experiment.names import EngineChoice
from pipeline.training.engines.engine import Engine
from pipeline.training.engines.reference import Reference


def engine_of(asked: EngineChoice, learned: Learned, batch_size: int | None, device: torch.device) -> Engine:
    """The engine of a pack.

    Args:
        asked: What the experiment says: one by its name, or what to look for.
        learned: What is trained.
        batch_size: Points of an update, ``None`` for all.
        device: Where the weights are.
    """
    del asked  # the reference is the only one so far, and computes everything
    return Reference(learned, batch_size, device)
