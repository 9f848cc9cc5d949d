"""Errors that are known exactly at every width, to hold the error of any model against.

Three of them, all root mean squares over [-1, 1]^D under the uniform distribution:

- the mean of m random cosines, of the bell: its squared error is a constant over m in expectation, in any dimension;
- the best ReLU network of m units, of the parabola, below which no such network comes;
- the best continuous line of m + 1 pieces, which is what m ReLUs of one input make: the limit for large m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.models.activations import Relu
from pipeline.models.best_errors import best_error, free_knot_constant
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.problems.measures import Uniform
from pipeline.problems.problem import FunctionProblem, Problem
from pipeline.problems.targets import Gaussian

RANDOM_COSINES = "mean of random cosines"
BEST_NETWORK = "best ReLU network"
BEST_PIECES = "best linear pieces (limit)"
DASHES = {RANDOM_COSINES: [10, 3], BEST_NETWORK: [1, 0], BEST_PIECES: [3, 2]}


@dataclass(frozen=True)
class Yardstick:
    """An error at each width.

    Args:
        name: One of the keys of ``DASHES``.
        errors: Root mean squares by width, where they are known.
    """

    name: str
    errors: dict[int, float]

    def bounds(self, model: Model) -> bool:
        """Whether no model of this kind has a lower error."""
        return self.name == BEST_NETWORK and isinstance(model, Shallow) and isinstance(model.activation, Relu)


def yardsticks_of(problem: Problem, widths: Sequence[int]) -> list[Yardstick]:
    """The yardsticks of a problem: ``sqrt(C / m)``, the best error, or its limit ``c / (m + 1)^2`` at width m.

    Args:
        problem: Its target must be one that they are known for, under the uniform distribution on [-1, 1]^D.
        widths: At which they are computed.

    Returns:
        None, one or two, without the widths at which they are not known.
    """
    if not isinstance(problem, FunctionProblem) or problem.measure != Uniform():
        return []
    target, found = problem.target, []
    if isinstance(target, Gaussian):
        constant = target.random_cosine_constant(problem.dimension)
        found.append(Yardstick(RANDOM_COSINES, {width: math.sqrt(constant / width) for width in widths}))
    best = {width: best_error(problem, Shallow(Relu()), width) for width in widths}
    known = {width: error for width, error in best.items() if error is not None}
    if known:
        found.append(Yardstick(BEST_NETWORK, known))
    elif limit := free_knot_constant(target):
        found.append(Yardstick(BEST_PIECES, {width: limit / (width + 1) ** 2 for width in widths}))
    return found
