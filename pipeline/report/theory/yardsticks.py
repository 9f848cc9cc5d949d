"""Errors that are known exactly at every width, to hold the error of any model against.

Two are brackets of the best ReLU network of m units, of any values of one input, on the held-out points themselves:

- the m + 1 best straight lines, which need not join: no such network has a smaller error;
- the best network that a local search finds.

Three are root mean squares over [-1, 1]^D under the uniform distribution:

- the mean of m random cosines, of the bell: its squared error is a constant over m in expectation, in any dimension;
- the best ReLU network of m units, of the parabola, below which no such network comes;
- the best continuous line of m + 1 pieces, which is what m ReLUs of one input make: the limit for large m. It and the
  one before are left out where the bracket is tight, and says the same without a limit.
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
from pipeline.report.theory.best_network_brackets import NONE_KNOWN, BestNetworks

RANDOM_COSINES = "mean of random cosines"
BEST_NETWORK = "best ReLU network"
BEST_PIECES = "best linear pieces (limit)"
NO_NETWORK_BELOW, NETWORK_FOUND = "no ReLU network below", "best ReLU network found"
DASHES = {
    RANDOM_COSINES: [10, 3],
    BEST_NETWORK: [1, 0],
    BEST_PIECES: [3, 2],
    NO_NETWORK_BELOW: [1, 2],
    NETWORK_FOUND: [6, 2],
}
LEAST_DRAWN = 1e-7
"""Of the largest value: smaller errors are those of networks that hold the values, and rounding."""


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
        """Whether no model of this kind has a lower error; of brackets ``network_ratios`` says it of each trial."""
        return self.name == BEST_NETWORK and isinstance(model, Shallow) and isinstance(model.activation, Relu)


def yardsticks_of(problem: Problem, widths: Sequence[int], networks: BestNetworks = NONE_KNOWN) -> list[Yardstick]:
    """The yardsticks of a problem: brackets, ``sqrt(C / m)``, the best error, its limit ``c / (m + 1)^2`` at width m.

    Args:
        problem: All but brackets are known for some targets, under the uniform distribution on [-1, 1]^D.
        widths: At which they are computed.
        networks: Brackets of the problem.

    Returns:
        None or several, without the widths at which they are not known.
    """
    known = {width: networks.by_width[width] for width in widths if width in networks.by_width}
    ends = {
        NO_NETWORK_BELOW: {width: bracket.lower for width, bracket in known.items()},
        NETWORK_FOUND: {width: bracket.upper for width, bracket in known.items()},
    }
    least = LEAST_DRAWN * networks.scale
    drawn = {name: {width: end for width, end in of.items() if end > least} for name, of in ends.items()}
    found = [Yardstick(name, errors) for name, errors in drawn.items() if errors]
    others = [width for width in widths if width not in known or not known[width].is_tight]
    return found + _in_closed_form(problem, widths, others)


def _in_closed_form(problem: Problem, widths: Sequence[int], others: Sequence[int]) -> list[Yardstick]:
    """Yardsticks that are known for some targets; those of networks only at widths that no bracket is tight at."""
    if not isinstance(problem, FunctionProblem) or problem.measure != Uniform():
        return []
    target, found = problem.target, []
    if isinstance(target, Gaussian):
        constant = target.random_cosine_constant(problem.dimension)
        found.append(Yardstick(RANDOM_COSINES, {width: math.sqrt(constant / width) for width in widths}))
    best = {width: best_error(problem, Shallow(Relu()), width) for width in others}
    known = {width: error for width, error in best.items() if error is not None}
    if known:
        found.append(Yardstick(BEST_NETWORK, known))
    elif others and (limit := free_knot_constant(target)):
        found.append(Yardstick(BEST_PIECES, {width: limit / (width + 1) ** 2 for width in others}))
    return found
