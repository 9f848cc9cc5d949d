"""The best network of one input, one output and n ReLUs, for any values at any points: its error within a bracket.

Such a network is a continuous piecewise linear function with at most n kinks, so that no network has a smaller error
than the n + 1 best straight lines, which need not join: that is the lower end. It is exact, by dynamic programming over
the points whose mean square the error is. The class is larger than the networks in two ways: lines may jump, and any
straight line may be added to the kinks. |x| so has the lower end 0 from n = 1 on, and a network holds it from n = 2.
The upper end is the error of a network, found by a local search from where the lines break.

A leaky ReLU bends as often, so that it has the same lower end.

Shape letters: E estimates, U units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from pipeline.models.activations import LeakyRelu, Relu
from pipeline.models.model import Model
from pipeline.models.shallow import Shallow
from pipeline.numerics.free_knots import Layer, best_layer
from pipeline.numerics.segmented_least_squares import BestLines, WeightedPoints, best_lines, weighted_points
from pipeline.problems.losses import Task
from pipeline.problems.problem import Dataset, Problem

MOST_WIDTH = 64
"""Units at most: with 4096 points the lines of wider networks would take more than a second."""
TIGHT = 0.05
"""Relative width of a bracket below which its ends are told as the error of the best network."""
ENOUGH = 1.001
"""Ratio of the mean square to that of the lower end at which a search ends."""
SMALLEST = 1e-14
"""Of the variance of the values: a mean square that no search goes below, and that counts as 0."""


@dataclass(frozen=True)
class ErrorBracket:
    """Root mean square errors between which that of the best network lies, in units of the values.

    Args:
        lower: No network has less.
        upper: That of a network.
    """

    lower: float
    upper: float

    @property
    def is_tight(self) -> bool:
        """Whether its ends are the same for a reader."""
        return self.lower > 0 and self.upper <= (1 + TIGHT) * self.lower


def has_best_network(problem: Problem) -> bool:
    """Whether the error of networks on a problem is the mean square of one function of one input."""
    return problem.task is Task.REGRESSION and problem.num_inputs == problem.num_outputs == 1


def is_piecewise_linear(model: Model) -> bool:
    """Whether a model of one input and n units is a continuous piecewise linear function of at most n kinks."""
    return isinstance(model, Shallow) and isinstance(model.activation, Relu | LeakyRelu)


def held_out_points(dataset: Dataset) -> WeightedPoints:
    """The held-out points as the measure that the test error is a mean under: of a sample alike, of a rule weighted.

    Args:
        dataset: Of one input and one output.

    Returns:
        Points in order, equal inputs made one.
    """
    weights_EP: Tensor | None = dataset.test_weights_EP
    weights_P = None if weights_EP is None else weights_EP.mean(dim=0).numpy()
    return weighted_points(dataset.test_inputs_PD[:, 0].numpy(), dataset.test_targets_PK[:, 0].numpy(), weights_P)


def best_networks(points: WeightedPoints, widths: Sequence[int]) -> dict[int, ErrorBracket]:
    """Brackets of the least root mean square error of networks of n ReLUs, an output bias included.

    Args:
        points: What is approximated, in the mean square.
        widths: Numbers n of ReLUs; above ``MOST_WIDTH`` nothing is computed.

    Returns:
        By width, increasing; ends fall with it.
    """
    known = sorted({width for width in widths if width <= MOST_WIDTH})
    if not known:
        return {}
    lines, brackets, layer = best_lines(points, known[-1] + 1), {}, None
    for width in known:
        layer = _improved(points, lines, width, layer)
        found = layer.mean_square if layer.mean_square > SMALLEST * points.variance else 0.0
        brackets[width] = ErrorBracket(lines.mean_square(width + 1) ** 0.5, found**0.5)
    return brackets


def _improved(points: WeightedPoints, lines: BestLines, width: int, fewer: Layer | None) -> Layer:
    """A layer of a width at least as good as one of fewer units.

    Searches begin where the best lines break, where half as many jump, with two kinks each, and from the layer of
    fewer units with more kinks in its longest gaps.

    Returns:
        The best that was found.
    """
    starts = [lines.breaks(width + 1), lines.gaps(width // 2 + 1)]
    if fewer is not None:
        starts.append(_with_more(points, fewer.knots_U, width))
    starts.append(np.array([(points.x_P[0] + points.x_P[-1]) / 2]))
    enough = ENOUGH * lines.mean_square(width + 1) + SMALLEST * points.variance
    if fewer is not None and fewer.mean_square <= enough:
        return fewer
    found = best_layer(points, [knots_U for knots_U in starts if len(knots_U)], enough)
    return found if fewer is None or found.mean_square < fewer.mean_square else fewer


def _with_more(points: WeightedPoints, knots_U: np.ndarray, width: int) -> np.ndarray:
    """Knots filled up to a number, one after another in the middle of the longest gap."""
    places = np.unique(np.concatenate([points.x_P[[0, -1]], knots_U]))
    added: list[float] = []
    while len(knots_U) + len(added) < width:
        gap = int(np.argmax(np.diff(places)))
        added.append(float(places[gap : gap + 2].mean()))
        places = np.insert(places, gap + 1, added[-1])
    return np.concatenate([knots_U, added])
