"""A distribution that breaks a claim is found by it, and by what it says."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.claims import measure_claims as claims
from pipeline.claims.claim import Claim, examine
from pipeline.problems.measures import Measure, Points, Uniform


class Transposed(Uniform):
    """Inputs first."""

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return super().sample(num_points, dimension, rng).T


class Constant(Uniform):
    """Draws nothing."""

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return np.zeros((num_points, dimension))


class Wide(Uniform):
    """Leaves its bounds."""

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return 2 * super().sample(num_points, dimension, rng)


class Few(Uniform):
    """Gives ten points."""

    def sample(self, num_points: int, dimension: int, rng: np.random.Generator) -> Points:
        return super().sample(min(num_points, 10), dimension, rng)


@pytest.mark.parametrize(
    ("claim", "measure", "what"),
    [
        (claims.has_a_row_for_each_point, Transposed(), "they are [1, 4096], float64, not [4096, 1]"),
        (claims.is_drawn_from_its_stream_alone, Constant(), "another stream gives the same points"),
        (claims.lies_in_its_bounds, Wide(), "coordinates go from -"),
        (claims.gives_its_default_sizes, Few(), "256 points of 1 inputs are others"),
    ],
)
def test_what_is_broken_is_found(claim: Claim, measure: Measure, what: str) -> None:
    (finding,) = examine(measure, [claim])
    assert finding.verdict == "fails"
    assert finding.what.startswith(what)
