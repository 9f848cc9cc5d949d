"""Engine names: what the ``engine`` field of an experiment may say.

Apart from the engines themselves, which import PyTorch and more.
"""

from __future__ import annotations

from typing import Final, Literal

from pipeline.experiment.trial import Shape
from pipeline.models.activations import PIECEWISE_LINEAR, Sigmoid, Tanh
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import UpdateRule

CLOSED_FORM: Final = "closed_form"
"""The engine that computes what theory says instead of iterating, so that its numbers cannot confirm theory."""

EngineChoice = Literal["auto", "closed_form", "fused", "reference"]
"""The ``engine`` field: the name of an engine, or ``auto`` for the fastest that iterates."""

FUSED: Final = "fused"
ONE_INPUT: Final = "one_input"
CHEBYSHEV: Final = "chebyshev"
LINEAR_QR: Final = "linear_qr"
"""What ``auto`` takes on a processor wherever it can: the first in general, the others where there is less to do."""


SMOOTH = (Tanh, Sigmoid)
"""Activations that are analytic, with poles at a known distance."""

LEAST_POINTS = 128
"""Points from which on nodes are taken: twice as fast there, in float64 and narrow networks 1.7 times."""


def fastest(shape: Shape) -> str:
    """The engine that ``auto`` takes for packs of a shape on a processor, if its kernels cover the rest of it.

    On full batches three kinds of models need no pass of every unit or feature over every point. A network of one input
    whose activation is straight on both sides of zero is a piecewise linear function, which running sums evaluate. One
    whose activation is smooth is nearly a polynomial, so that for its square loss some nodes stand for many points. The
    square loss of a linear model with more points than features is that of as many points as features.

    Returns:
        Its name.
    """
    model, problem = shape.model, shape.problem
    if shape.batch_size is not None or not isinstance(shape.optimizer, UpdateRule):
        return FUSED
    if isinstance(model, Shallow) and problem.num_inputs == 1:
        if isinstance(model.activation, PIECEWISE_LINEAR):
            return ONE_INPUT
        is_smooth = isinstance(model.activation, SMOOTH)
        return CHEBYSHEV if is_smooth and shape.loss.quadratic and problem.train >= LEAST_POINTS else FUSED
    return LINEAR_QR if model.linear and shape.loss.quadratic and problem.train > shape.width else FUSED
