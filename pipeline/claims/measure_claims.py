"""What is true of every distribution of inputs."""

from __future__ import annotations

import numpy as np

from pipeline.claims.claim import Claim
from pipeline.errors import FieldError
from pipeline.numerics.randomness import stream
from pipeline.problems.measures import Measure

NUM_POINTS = 4**6
"""A grid of 1, 2 and 3 dimensions, and a multiple of 2^D."""


def dimensions_of(measure: Measure) -> list[int]:
    """Which of 1, 2 and 3 inputs it is a distribution of."""
    return [dimension for dimension in (1, 2, 3) if _admitted(measure, dimension)]


def _admitted(measure: Measure, dimension: int) -> bool:
    try:
        measure.check(NUM_POINTS, dimension)
    except FieldError:
        return False
    return True


def has_a_row_for_each_point(measure: Measure) -> str:
    """points are [points, inputs], in float64."""
    if not dimensions_of(measure):
        return "it is a distribution of neither 1, 2 nor 3 inputs"
    for dimension in dimensions_of(measure):
        points = measure.sample(NUM_POINTS, dimension, stream("sample"))
        if points.shape != (NUM_POINTS, dimension) or points.dtype != np.float64:
            return f"they are {list(points.shape)}, {points.dtype}, not [{NUM_POINTS}, {dimension}]"
    return ""


def is_drawn_from_its_stream_alone(measure: Measure) -> str:
    """the same stream gives the same points, and another stream other ones if it is random."""
    for dimension in dimensions_of(measure):
        first, same, other = (measure.sample(NUM_POINTS, dimension, stream("sample", n)) for n in (1, 1, 2))
        if not np.array_equal(first, same):
            return "the same stream gives other points the second time"
        if np.array_equal(first, other) and measure.random:
            return "another stream gives the same points"
    return ""


def lies_in_its_bounds(measure: Measure) -> str:
    """bounds: every coordinate lies between them."""
    low, high = measure.bounds()
    for dimension in dimensions_of(measure):
        points = measure.sample(NUM_POINTS, dimension, stream("sample"))
        if points.min() < low or points.max() > high:
            return f"coordinates go from {points.min():.4g} to {points.max():.4g}, not within [{low:g}, {high:g}]"
    return ""


def gives_its_default_sizes(measure: Measure) -> str:
    """default_sizes: they are samples that it can give."""
    for dimension in dimensions_of(measure):
        for num_points in measure.default_sizes(dimension):
            measure.check(num_points, dimension)
            if len(measure.sample(num_points, dimension, stream("default"))) != num_points:
                return f"{num_points} points of {dimension} inputs are others"
    return ""


MEASURE_GRANTED: tuple[Claim, ...] = (has_a_row_for_each_point, is_drawn_from_its_stream_alone)
"""What training takes for granted: where one fails, every number would be false."""

MEASURE_CLAIMS: tuple[Claim, ...] = (
    *MEASURE_GRANTED,
    lies_in_its_bounds,
    gives_its_default_sizes,
)
