"""Engine names: what the ``engine`` field of an experiment may say.

Apart from the engines themselves, which import PyTorch and more.
"""

from __future__ import annotations

from typing import Final, Literal

from pipeline.experiment.trial import Shape
from pipeline.models.activations import PIECEWISE_LINEAR
from pipeline.models.shallow import Shallow

CLOSED_FORM: Final = "closed_form"
"""The engine that computes what theory says instead of iterating, so that its numbers cannot confirm theory."""

EngineChoice = Literal["auto", "closed_form", "fused", "reference"]
"""The ``engine`` field: the name of an engine, or ``auto`` for the fastest that iterates."""

FUSED: Final = "fused"
ONE_INPUT: Final = "one_input"
"""What ``auto`` takes wherever it can: the second for networks that are piecewise linear functions of one input."""


def fastest(shape: Shape) -> str:
    """The engine that ``auto`` takes for packs of a shape on a processor, if its kernels cover the rest of it.

    A network of one input whose activation is straight on both sides of zero is a piecewise linear function; on full
    batches running sums over its points take the place of evaluating every unit at every point.

    Returns:
        Its name.
    """
    straight = isinstance(shape.model, Shallow) and isinstance(shape.model.activation, PIECEWISE_LINEAR)
    return ONE_INPUT if straight and shape.problem.num_inputs == 1 and shape.batch_size is None else FUSED
